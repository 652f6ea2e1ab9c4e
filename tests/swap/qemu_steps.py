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
# Between an event and when QEMU logs it.
SLACK_MS = 2


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
        # STOP is in the one step and RESUME in the other.
        least = sum(found.ms[name] for name in ("stream", "load", "claim"))
        most = least + found.ms["flush"] + found.ms["main loop"]
        ktap.check(least - SLACK_MS < swap.guest_stop_ms < most + SLACK_MS,
                   f"the steps say {least:.1f} to {most:.1f} ms from STOP to "
                   f"RESUME, the events {swap.guest_stop_ms:.1f} ms")
    ktap.check(not measured.losses(), measured.losses())


def a_log_without_them_is_refused():
    try:
        steps_of([(0.0, "vm_state_notify running 0 reason 7 (finish)")], [])
    except VmmError as err:
        ktap.check("runstate_set" in str(err), str(err))
    else:
        ktap.check(False, "nothing was missing")


ktap.main([("every step is there, and together they are the stop",
            every_step_is_there),
           ("a log without the steps is refused",
            a_log_without_them_is_refused)])
