# SPDX-License-Identifier: GPL-2.0-or-later
#
# Everything that a person needs; "make help" lists it. What is built goes to
# build/, what is downloaded to the cache (see Documentation/building.md).

# Series of Debian's kernels: the one to boot, and those to build for.
KERNEL	?= $(or $(TAPKEEP_KERNEL),6.12)
KVER	?= $(KERNEL)
# The kernels of check-matrix: the oldest, the usual, the newest.
MATRIX	?= 6.1 6.12 7.3
# The series whose own tests of tun and tap are run, on any kernel.
KERNEL_TESTS := 6.12
# Series of Debian's QEMU: the one to patch and to test, and the one that the
# VM runs in, whose emulation is patched as well.
QEMU	?= $(or $(TAPKEEP_QEMU_SERIES),10.0)
VM_QEMU	:= 10.0
# How many processes check-kill kills.
KILLS	?= 10000

TOP	:= $(CURDIR)
BUILD	:= $(TOP)/build
export TAPKEEP_TOP := $(TOP)
export TAPKEEP_BUILD := $(BUILD)
export TAPKEEP_KERNEL := $(KERNEL)
export TAPKEEP_QEMU_SERIES := $(QEMU)

# As many jobs as there are processors, unless the user says otherwise.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory

all: module user ## build the module, the libraries and the tool

help: ## list the targets
	@printf 'Usage: make [target] [variable=value]\n\nTargets:\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | \
		expand -t 16
	@printf '\nVariables:\n'
	@printf '  KVER=%s\tkernels to build the module for, e.g. "6.12 6.1"\n' \
		"$(KVER)" | expand -t 20
	@printf '  KERNEL=%s\tthe kernel to boot in the VM\n' \
		"$(KERNEL)" | expand -t 20
	@printf '  MATRIX=%s\tthe kernels of check-matrix\n' \
		"$(MATRIX)" | expand -t 20
	@printf '  TESTS=\tonly these tests in a check, e.g. "module_* swap_kill"\n' | \
		expand -t 20
	@printf '  CALLS=\tof make fuzz, how many (1000000); or SECONDS=, how long\n' | \
		expand -t 20
	@printf '  KILLS=%s\tof make check-kill, how many\n' "$(KILLS)" | \
		expand -t 20
	@printf '  RUNS=\tof make fuzz-handover, how many (1000000); or SECONDS=\n' | \
		expand -t 20
	@printf '  SEED=\tof make fuzz, fuzz-handover and check-kill, to repeat a run\n' | \
		expand -t 20
	@printf '  DEMO_ARGS=\tfor bench/demo, e.g. "--scenario tapkeep --swaps 20"\n' | \
		expand -t 20
	@printf '  SWAPS=\tof make stop-table, how many (10), with vhost and without\n' | \
		expand -t 20
	@printf '  PREFIX=/usr/local\tof make install; LIBDIR= for its libraries\n' | \
		expand -t 20
	@printf '  QEMU=%s\tthe QEMU to patch, build and test: 10.0 or 10.2\n' \
		"$(QEMU)" | expand -t 20

deps: ## install what building and testing need (root or sudo)
	@scripts/deps

module: $(addprefix module-,$(KVER)) ## build tapkeep.ko for each of KVER

module-%:
	+@scripts/build-module $*

user: libtapkeep vmm-glue tool ## build the libraries and the tool

libtapkeep vmm-glue:
	@$(MAKE) -C user/$@ O=$(BUILD)/user

tool: libtapkeep
	@$(MAKE) -C user/tapkeep O=$(BUILD)/user

install: user ## install libraries, headers, tool (DESTDIR, PREFIX, LIBDIR)
	@for part in libtapkeep vmm-glue tapkeep; do \
		$(MAKE) -s -C user/$$part O=$(BUILD)/user install || exit 1; \
	done

tests: selftests bench fuzzer ## build the test and traffic programs

selftests: libtapkeep vmm-glue
	@$(MAKE) -C tests/selftests O=$(BUILD)/tests \
		KSELFTEST_INC="$$(scripts/fetch linux-source $(KERNEL))" \
		KERNEL_TESTS="$$(scripts/fetch linux-source $(KERNEL_TESTS))"

bench:
	@$(MAKE) -C bench O=$(BUILD)/bench

fuzzer:
	@$(MAKE) -C tests/fuzz O=$(BUILD)/fuzz

qemu: libtapkeep vmm-glue ## build QEMU with the tapkeep patches
	@scripts/build-qemu $(QEMU)

vm-qemu: libtapkeep vmm-glue
	@scripts/build-qemu $(VM_QEMU)

debug-kernel: ## build the kernel of check-debug: KASAN, lockdep, kmemleak
	@scripts/build-kernel $(KERNEL)

guest: bench ## build the initramfs of the guest that the tests swap
	@tests/guest/mkinitramfs $(KERNEL)

vm-shell: module user tests qemu vm-qemu ## a shell in the VM, the module loaded
	@tests/vm/run --interactive --kernel-version $(KERNEL) \
		--module "$$(scripts/build-module --where $(KERNEL))" -- bash -i

lint: ## style and static checks of everything
	@scripts/lint

check: deps ## build everything, lint it, run all tests in the VM
	@scripts/check $(TESTS)

check-debug: deps ## run the self-tests on a kernel that finds more faults
	@scripts/check --debug $(TESTS)

check-qemu: deps ## test the patches for QEMU, feature by feature
	@scripts/check --qemu $(TESTS)

check-matrix: deps ## run the self-tests on each kernel of MATRIX
	@scripts/check --matrix "$(MATRIX)" $(TESTS)

fuzz: deps ## call the module at random, many at once, and let allocations fail
	@scripts/fuzz $(if $(CALLS),--calls $(CALLS)) \
		$(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(SEED),--seed $(SEED)) \
		$(if $(SANITIZED),--sanitized $(SANITIZED))

fuzz-handover: deps ## give the glue anything that a VMM can be sent, sanitized
	@scripts/fuzz-handover $(if $(RUNS),--runs $(RUNS)) \
		$(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(SEED),--seed $(SEED))

check-kill: deps ## kill owners and claimers KILLS times, and count packets
	@KILLS=$(KILLS) SEED=$(SEED) scripts/check-kill

demo: deps ## swap a QEMU under traffic, three ways, and compare
	@scripts/demo $(DEMO_ARGS)

stop-table: deps ## swap a QEMU SWAPS times, and show where the stop goes
	@scripts/demo --stop-table $(if $(SWAPS),--swaps $(SWAPS)) $(STOP_ARGS)

clean: ## remove build/ (not the cache)
	rm -rf $(BUILD)

.PHONY: all help deps module user install libtapkeep vmm-glue tool tests selftests \
	bench fuzzer fuzz fuzz-handover qemu vm-qemu debug-kernel guest vm-shell lint check check-debug \
	check-qemu check-matrix check-kill demo stop-table clean
