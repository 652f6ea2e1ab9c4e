# SPDX-License-Identifier: GPL-2.0-or-later
"""How the kernel's log says that something is wrong."""

import re

COMPLAINT = re.compile(
    r"WARNING:|BUG:|BUG \S+ \(|kernel BUG at|Oops|general protection|"
    r"invalid opcode|divide error|double fault|UBSAN:|KASAN|KFENCE|"
    r"possible circular locking|possible recursive locking|"
    r"trying to register non-static key|locking correctness validator|"
    r"suspicious RCU|self-detected stall|detected (expedited )?stalls|"
    r"blocked for more than|ref_tracker: |refcount_t: |ODEBUG: |"
    r"Kernel panic|unregister_netdevice: waiting|"
    r"list_(add|del) |leak detector disabled")
