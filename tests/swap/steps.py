# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a swap's stop goes: QEMU's trace-events, as the ends of steps."""

import dataclasses
import datetime
import os
import re

from measure import through_swaps
from vmm import VmmError

EVENTS = ["runstate_set", "vm_state_notify", "virtio_set_status", "tap_keep_*",
          "vmstate_downtime_checkpoint"]
# Each begins where the one before it ends. The first has only an end: the stop.
STEPS = (
    ("", "source", r"runstate_set .*\(finish-migrate\)$"),
    ("vCPU pause", "source", r"vm_state_notify running 0 "),
    ("others stop", "source", r"tap_keep_hold_begin .* frozen 1$"),
    ("freeze", "source", r"tap_keep_hold .* frozen 1$"),
    ("readers stop", "source", r"virtio_set_status "),
    ("vhost stop", "source", r"tap_keep_export_begin "),
    ("export", "source", r"tap_keep_export "),
    ("flush", "source", r"vmstate_downtime_checkpoint src-vm-stopped$"),
    ("stream", "source",
     r"vmstate_downtime_checkpoint src-non-iterable-saved$"),
    ("load", "target",
     r"vmstate_downtime_checkpoint dst-precopy-loadvm-completed$"),
    ("claim", "target", r"tap_keep_claimed "),
    ("main loop", "target", r"vm_state_notify running 1 "),
    ("vhost start", "target", r"tap_keep_hold_begin .* frozen 0$"),
    ("thaw", "target", r"tap_keep_hold .* frozen 0$"),
    ("vCPU run", "target",
     r"vmstate_downtime_checkpoint dst-precopy-bh-vm-started$"),
)
NAMES = [name for name, _, _ in STEPS[1:]]
# QEMU's log has them in the one form or, from 10.1 on, in the other.
LINE = re.compile(r"(?:\d+@(?P<seconds>\d+\.\d+):|(?P<date>\d{4}-\S+)Z )"
                  r"(?P<event>.*)")


def read_log(path):
    """[(seconds since the epoch, event)]"""
    found = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            match = LINE.match(line)
            if match and match["seconds"]:
                found.append((float(match["seconds"]), match["event"]))
            elif match:
                date = datetime.datetime.fromisoformat(match["date"]
                                                       + "+00:00")
                found.append((date.timestamp(), match["event"]))
    return found


@dataclasses.dataclass
class Steps:
    """One swap: milliseconds by the name of the step, in order."""
    ms: dict

    @property
    def total_ms(self):
        return sum(self.ms.values())


def steps_of(source, target):
    """The steps that two logs tell of."""
    logs = {"source": iter(source), "target": iter(target)}
    ends = []
    for name, side, pattern in STEPS:
        for at, event in logs[side]:
            if re.match(pattern, event):
                ends.append(at)
                break
        else:
            raise VmmError(f"the {side} has no event '{pattern}' at the end "
                           f"of step '{name}'")
    return Steps({name: (after - before) * 1000 for name, before, after
                  in zip(NAMES, ends, ends[1:])})


def traced_swaps(directory, network, scenario, count, **options):
    """through_swaps(), and the steps of each swap."""
    measured = through_swaps(network, scenario, count,
                             traces=(directory, EVENTS), **options)
    logs = [read_log(os.path.join(directory, f"{name}.trace"))
            for name in ("source", *(f"target-{number}"
                                     for number in range(1, count + 1)))]
    return measured, [steps_of(source, target)
                      for source, target in zip(logs, logs[1:])]
