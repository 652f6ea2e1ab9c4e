# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ABI is the number in the libraries' sonames. It changes when a program that
# was linked with them would not run any more, and else never: see
# Documentation/glue.md, "What stays the same".
VERSION	:= 0.1
ABI	:= 0
