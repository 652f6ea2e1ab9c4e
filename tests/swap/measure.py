# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure swaps: traffic through them, and what became of it."""

import dataclasses
import time

from vcpus import watched
from vmm import Scene, Swap, losses

# A swap's gaps are looked for from so long before its stop to so long after
# its resumption.
BEFORE_S, AFTER_S = 0.5, 0.9
# When to look whether it runs, so that looking does not delay it.
RUNS_S = 0.2
GAP_EXTRA_MS, GAP_EXTRA_SHARE = 15, 0.25
# What is as good as no longer than the stop itself.
CLOSE_MS, CLOSE_SHARE = 5, 0.1
DIRECTIONS = ("to_guest", "from_guest")


def gap_limit_ms(guest_stop_ms):
    return guest_stop_ms + max(GAP_EXTRA_MS, GAP_EXTRA_SHARE * guest_stop_ms)


@dataclasses.dataclass
class Measured:
    """One run of traffic, and the swaps that it went through."""
    result: dict
    swaps: list[Swap]
    # What the module says about the keep afterwards, if there is one.
    keep: dict | None = None

    def gap(self, direction, swap):
        """The longest gap of @direction that touches @swap: start and ms."""
        return max(((start, length)
                    for start, length in self.result[direction]["gaps"]
                    if start < swap.resume + AFTER_S
                    and start + length / 1000 > swap.stop - BEFORE_S),
                   key=lambda gap: gap[1], default=(swap.stop, 0.0))

    def gap_ms(self, direction, swap):
        return self.gap(direction, swap)[1]

    def describe(self):
        """Each swap in a line: where its time went."""
        for number, swap in enumerate(self.swaps, 1):
            words = [f"swap {number}: stop {swap.guest_stop_ms:.0f} ms, guest "
                     f"still {swap.guest_still_ms:.0f} ms (from "
                     f"{(swap.stop - swap.still[0]) * 1000:.1f} before STOP to "
                     f"{(swap.still[1] - swap.resume) * 1000:.1f} after RESUME)"]
            for start, length, sent in \
                    self.result["burst_times"][number - 1:number]:
                start = (start - swap.stop) * 1000
                words.append(f"burst of {sent} from {start:.0f} to {start + length:.0f} ms")
            for direction in DIRECTIONS:
                start, length = self.gap(direction, swap)
                before = (swap.stop - start) * 1000
                after = (start - swap.resume) * 1000 + length
                words.append(f"{direction} gap {length:.0f} ms (from {before:.0f}"
                             f" before STOP to {after:.0f} after RESUME)")
            yield ", ".join(words)

    def worst(self, direction):
        """The swap whose gap exceeds its guest's stop by most, and the gap."""
        return max(((swap, self.gap_ms(direction, swap))
                    for swap in self.swaps),
                   key=lambda pair: pair[1] - gap_limit_ms(
                       pair[0].guest_stop_ms))

    def late(self):
        """Gaps that are longer than they may be, in words."""
        found = []
        for number, swap in enumerate(self.swaps, 1):
            limit = gap_limit_ms(swap.guest_stop_ms)
            for direction in DIRECTIONS:
                gap = self.gap_ms(direction, swap)
                if gap > limit:
                    found.append(
                        f"{direction}: swap {number}: a gap of {gap:.0f} ms, "
                        f"more than {limit:.0f} ms for a stop of "
                        f"{swap.guest_stop_ms:.0f} ms")
        return "; ".join(found)

    def close(self, stop_ms):
        """How many gaps are close to their swap's @stop_ms(swap), or shorter."""
        return sum(self.gap_ms(direction, swap) <= stop_ms(swap)
                   + max(CLOSE_MS, CLOSE_SHARE * stop_ms(swap))
                   for direction in DIRECTIONS for swap in self.swaps)

    def losses(self):
        return losses(self.result)


def leave(source):
    """The last that a source hears: it must not move anything in the guest."""
    source.qmp.command("set_link", {"name": "net0", "up": False})
    time.sleep(0.3)
    source.quit()
    time.sleep(0.3)


def through_swaps(network, scenario, count=1, rate=250, burst=3000, flows=1,
                  say=lambda text: None, **options):
    """Boot a guest and swap its QEMU @count times under traffic."""
    with Scene(network) as scene:
        say("the guest boots")
        source = scene.boot(scenario, **options)
        target = scene.target(scenario, "target-1", **options)
        swaps = []
        say("traffic")
        with scene.traffic(rate=rate, burst=burst, flows=flows) as traffic:
            for number in range(1, count + 1):
                time.sleep(BEFORE_S)
                with watched(source, target) as when_still:
                    swap = scene.swap(source, target,
                                      burst=traffic if burst else None)
                    time.sleep(RUNS_S)
                    swap.still = when_still()
                swaps.append(swap)
                say(f"swap {number} of {count}")
                time.sleep(AFTER_S - RUNS_S)
                if number < count:
                    source.quit()
                    source, target = target, scene.target(
                        scenario, f"target-{number + 1}", **options)
            leave(source)
            measured = Measured(traffic.finish(), swaps,
                                scenario.keep and scene.keep(scenario.keep))
        for text in measured.describe():
            say(text)
        return measured
