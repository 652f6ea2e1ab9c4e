#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Can the stop be told step by step from QEMU's trace-events?"""

import sys
import tempfile

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from steps import NAMES, steps_of, traced_swaps  # noqa: E402
from vmm import Network, Tapkeep, VmmError  # noqa: E402

SWAPS = 2
# How much later the first step begins than QEMU's own events say, or the last
# one ends, on a machine that is busy with something else.
SLACK_MS = 20


def every_step_is_there():
    with tempfile.TemporaryDirectory(prefix="tapkeep-steps-") as directory, \
            Network() as network:
        measured, steps = traced_swaps(directory, network, Tapkeep(vhost=True),
                                       SWAPS, say=ktap.note)
    ktap.check(len(steps) == SWAPS, "swaps are missing")
    for swap, found in zip(measured.swaps, steps):
        ktap.note(", ".join(f"{name} {ms:.2f}"
                            for name, ms in found.ms.items()))
        ktap.check(list(found.ms) == NAMES, "steps are missing")
        ktap.check(all(ms > -1 for ms in found.ms.values()),
                   "a step ends before it begins")
        ktap.check(swap.guest_stop_ms - SLACK_MS < found.total_ms
                   < swap.guest_stop_ms + 2 * SLACK_MS,
                   f"all steps together are {found.total_ms:.1f} ms, STOP to "
                   f"RESUME {swap.guest_stop_ms:.1f} ms")
    ktap.check(not measured.losses(), measured.losses())


def a_log_without_them_is_refused():
    try:
        steps_of([(0.0, "vm_state_notify running 0 reason 7 (finish)")], [])
    except VmmError as err:
        ktap.check("runstate_set" in str(err), str(err))
    else:
        ktap.check(False, "nothing was missing")


ktap.main([("every step is there, and lasts no longer than the stop",
            every_step_is_there),
           ("a log without the steps is refused",
            a_log_without_them_is_refused)])
