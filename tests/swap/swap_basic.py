#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One swap of a real QEMU under traffic, in each way that there is."""

import sys

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from heard import announcements  # noqa: E402
from life import carries  # noqa: E402
from measure import DIRECTIONS, through_swaps  # noqa: E402
from vcpus import Trace  # noqa: E402
from vmm import Local, Network, Reopen, Scene, Tapkeep  # noqa: E402

# Far more than any swap takes, also on a busy emulated machine.
LONGEST_GAP_MS = 2000
# Between asking for the one time and the other.
CLOCKS_DIFFER_S = 0.05


def swap(scenario, burst):
    with Network() as network, announcements() as heard:
        measured = through_swaps(network, scenario, burst=burst, say=ktap.note)
        for one in measured.swaps:
            ktap.check(one.still[0] < one.stop < one.resume < one.still[1],
                       f"the guest ran when it was stopped: {one}")
        return measured, heard.count()


def loses_nothing(scenario, burst):
    measured, announced = swap(scenario, burst)
    ktap.check(not measured.losses(), measured.losses())
    for direction in DIRECTIONS:
        gap = measured.worst(direction)[1]
        ktap.check(gap <= LONGEST_GAP_MS, f"{direction}: a gap of {gap} ms")
    if measured.keep:
        ktap.check(measured.keep["dropped"] == 0 and
                   not measured.keep.get("stolen"), measured.keep)
    ktap.check(announced == 0, f"{announced} announcements of what stayed")


def reopen():
    """The bar is stock QEMU's: packets are lost, connections are not."""
    measured, announced = swap(Reopen(vhost=True), burst=0)
    ktap.check(measured.result["tcp_survived"],
               f"TCP: {measured.result['tcp_error']}")
    ktap.check(announced > 0, "the guest was not announced at its second TAP")


def first_entry_is_kept():
    """When a guest went on is told right, however late that is asked."""
    with Network() as network, Scene(network) as scene:
        vmm = scene.boot(Tapkeep(vhost=True))
        with Trace(vmm, "kvm_entry", first=True, memory_kb=4) as entries:
            first = min(entries.times())
            carries(scene)
            later = min(entries.times())
    ktap.check(abs(later - first) < CLOCKS_DIFFER_S,
               f"{later - first} s are forgotten")


ktap.main([
    ("tapkeep, vhost off: nothing lost with a burst into the stop",
     lambda: loses_nothing(Tapkeep(vhost=False), burst=3000)),
    ("tapkeep, vhost on: nothing lost with a burst into the stop",
     lambda: loses_nothing(Tapkeep(vhost=True), burst=3000)),
    ("local without the module, vhost off: nothing lost that fits the ring",
     lambda: loses_nothing(Local(vhost=False), burst=0)),
    ("local without the module, vhost on: nothing lost that fits the ring",
     lambda: loses_nothing(Local(vhost=True), burst=0)),
    ("reopen: a migration to a second TAP goes on working", reopen),
    ("of a trace of vCPUs the beginning is kept", first_entry_is_kept),
])
