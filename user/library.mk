# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the Makefiles of the two libraries have in common. They set
#
#	lib		the name, as in lib$(lib).so
#	sources		what the library is made of
#	so_sources	what the shared object has besides, and does not export
#	headers		those to install
#	needs		pkg-config's names of what the shared object is linked with
#	archives	what a program that has the archive in it needs besides
#
# In $(O): the archive, and $(lib).pc for programs that are linked with it there.
# In $(O)/shared: the shared object. "make install" makes another .pc file; with
# SHARED=no it installs the archive alone, and a .pc file that links that.
top	:= $(abspath $(here)/../..)
O	?= $(top)/build/user
shared	:= $(O)/shared
PKG_CONFIG ?= pkg-config
INSTALL	?= install
include $(top)/user/version.mk

PREFIX	?= /usr/local
LIBDIR	?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include

CFLAGS	?= -O2 -g
flags	:= -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -fPIC -MMD -MP \
	   -I$(top)/include/uapi -I$(top)/user/libtapkeep -I$(here)
ifneq ($(needs),)
flags	+= $(shell $(PKG_CONFIG) --cflags $(needs))
so_libs	:= $(shell $(PKG_CONFIG) --libs $(needs))
endif

objects	= $(patsubst %.c,$(O)/$(notdir $(here))/%.o,$(notdir $(1)))
objs	:= $(call objects,$(sources))
so_objs	:= $(call objects,$(so_sources))
vpath %.c $(here) $(top)/user/libtapkeep

soname	:= lib$(lib).so.$(ABI)
so	:= lib$(lib).so.$(ABI).$(VERSION)

all: $(O)/lib$(lib).a $(shared)/$(so) $(O)/$(lib).pc

$(O)/lib$(lib).a: $(objs)
	$(AR) rcs $@.new $^
	mv $@.new $@

$(shared)/$(so): $(objs) $(so_objs) $(here)/$(lib).map
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(soname) \
		-Wl,--version-script,$(here)/$(lib).map -Wl,-z,defs \
		-o $@.new $(objs) $(so_objs) $(so_libs)
	mv $@.new $@
	ln -sf $(so) $(shared)/$(soname)
	ln -sf $(soname) $(shared)/lib$(lib).so

$(O)/$(notdir $(here))/%.o: %.c $(here)/Makefile
	@mkdir -p $(@D)
	$(CC) $(flags) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

pc	 = sed -e 's|@version@|$(VERSION)|' -e 's|@libdir@|$(1)|' \
	   -e 's|@includedir@|$(2)|' $(here)/$(lib).pc.in
# With an archive, what is private to the shared object is not.
fold	 = sed -e 's/^Requires.private:/Requires:/' -e '/^Libs.private:/d' \
	   -e '/^Libs:/s|$$| $(archives)|'

$(O)/$(lib).pc: $(here)/$(lib).pc.in $(top)/user/library.mk $(top)/user/version.mk
	@mkdir -p $(@D)
	$(call pc,$(O),$(here)) | $(fold) \
		-e '/^Cflags:/s|$$| -I$(top)/include/uapi|' > $@

install: all
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkgconfig \
		$(DESTDIR)$(INCLUDEDIR)/tapkeep/linux
	$(INSTALL) -m 644 $(O)/lib$(lib).a $(DESTDIR)$(LIBDIR)
ifneq ($(SHARED),no)
	$(INSTALL) -m 644 $(shared)/$(so) $(DESTDIR)$(LIBDIR)
	ln -sf $(so) $(DESTDIR)$(LIBDIR)/$(soname)
	ln -sf $(soname) $(DESTDIR)$(LIBDIR)/lib$(lib).so
endif
	$(INSTALL) -m 644 $(headers) $(DESTDIR)$(INCLUDEDIR)/tapkeep
	$(INSTALL) -m 644 $(top)/include/uapi/linux/tapkeep.h \
		$(DESTDIR)$(INCLUDEDIR)/tapkeep/linux
	$(call pc,$(LIBDIR),$(INCLUDEDIR)/tapkeep) \
		$(if $(filter no,$(SHARED)),| $(fold)) \
		> $(DESTDIR)$(LIBDIR)/pkgconfig/$(lib).pc

clean:
	rm -rf $(O)/$(notdir $(here)) $(O)/lib$(lib).a $(O)/$(lib).pc \
		$(shared)/lib$(lib).so*

.PHONY: all install clean
-include $(objs:.o=.d) $(so_objs:.o=.d)
