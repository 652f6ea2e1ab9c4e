#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Many swaps of the same guest in one run, a burst into each stop."""

import os
import sys

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from measure import through_swaps  # noqa: E402
from vmm import Network, Tapkeep  # noqa: E402

SWAPS = int(os.environ.get("TAPKEEP_SWAPS", "20"))
# What a TAP's ring holds without a keep: its tx_queue_len.
RING_SLOTS = 1000


def many():
    with Network() as network:
        measured = through_swaps(network, Tapkeep(vhost=True), SWAPS,
                                 say=ktap.note)
    ktap.check(len(measured.swaps) == SWAPS, "swaps are missing")
    ktap.check(not measured.losses(), measured.losses())
    bursts = measured.result["burst_times"]
    ktap.check(any(sent > RING_SLOTS and swap.stop < start
                   and start + length / 1000 < swap.resume
                   for swap, (start, length, sent)
                   in zip(measured.swaps, bursts)),
               f"no stop had a burst that is larger than a ring: {bursts}")


ktap.TEST_TIMEOUT_S = 120 + 12 * SWAPS
ktap.main([(f"{SWAPS} swaps of one guest lose nothing", many)])
