#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Swaps of a NIC with 16 queue pairs, of which the guest uses more or fewer,
and with receive side scaling that the guest has set up.
"""

import re
import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from life import named_tests, nothing_lost, run_lives  # noqa: E402
from vmm import Local, Network, Scene, Tapkeep  # noqa: E402

QUEUES = 16
ACTIVE = (16, 4, 1)
FLOWS = 16
RATE = 320
NIC = "virtio-net-pci-non-transitional,rss=on"
# All that arrives goes to one queue, which is not the first.
RSS_QUEUE, RSS_SHARE = 2, 0.1


class Guest:
    """With all of its queue pairs in use when it starts."""

    def __init__(self, network, scenario):
        self.scenario = scenario
        self.scene = Scene(network)
        self.vmm = None
        self.swaps = 0

    def options(self):
        return {"shell": True, "channels": QUEUES, "nic": NIC}

    def ethtool(self, words):
        return self.vmm.shell.run(f"ethtool {words}")

    def channels(self):
        current = self.ethtool("-l eth0").partition("Current")[2]
        return int(re.search(r"Combined:\s*(\d+)", current)[1])

    def swap(self):
        """Under traffic; what a keep holds is not lost."""
        self.swaps += 1
        target = self.scene.target(self.scenario, f"target-{self.swaps}",
                                   **self.options())
        with self.scene.traffic(rate=RATE, flows=FLOWS) as traffic:
            time.sleep(0.5)
            self.scene.swap(self.vmm, target)
            time.sleep(0.5)
            result = traffic.finish()
        self.vmm.quit()
        self.vmm = target
        ktap.figure(swaps=1)
        nothing_lost(result)

    def active(self, count):
        if not self.vmm:
            self.vmm = self.scene.boot(self.scenario, **self.options())
        self.ethtool(f"-L eth0 combined {count}")
        self.swap()
        ktap.check(self.channels() == count,
                   f"{self.channels()} queue pairs are in use")
        # A queue pair that comes into use only now.
        self.ethtool(f"-L eth0 combined {QUEUES}")
        with self.scene.traffic(rate=RATE, flows=FLOWS) as traffic:
            time.sleep(0.5)
            result = traffic.finish()
        nothing_lost(result)

    def rss(self):
        """Where the guest wants its packets is where they arrive."""
        weights = " ".join("1" if queue == RSS_QUEUE else "0"
                           for queue in range(4))
        self.ethtool("-L eth0 combined 4")
        self.ethtool(f"-X eth0 weight {weights}")
        self.arrives_at(RSS_QUEUE)
        self.swap()
        self.arrives_at(RSS_QUEUE)
        self.ethtool("-X eth0 default")
        self.swap()
        self.arrives_at(None)

    def received(self):
        """Interrupts of each receive queue: about one for each packet."""
        counts = re.findall(r":\s+(\d+) .*virtio\d+-input\.(\d+)",
                            self.vmm.shell.run("grep input /proc/interrupts"))
        return {int(queue): int(count) for count, queue in counts}

    def arrives_at(self, queue):
        before = self.received()
        with self.scene.traffic(rate=RATE, flows=FLOWS) as traffic:
            time.sleep(0.5)
            traffic.finish()
        new = {number: count - before[number]
               for number, count in self.received().items()}
        ktap.note(f"interrupts of each queue: {new}")
        # What is neither IP nor IPv6 goes to the first queue in any case.
        here = {number for number, count in new.items()
                if count > RSS_SHARE * sum(new.values())}
        if queue is None:
            ktap.check(len(here) > 1, "all of them at one queue")
        else:
            ktap.check(here == {queue}, f"not only at {queue}")

    def named_tests(self):
        return named_tests(self, [
            *((f"{count} of {QUEUES} queue pairs in use",
               lambda count=count: self.active(count)) for count in ACTIVE),
            ("receive side scaling", self.rss)])


def main():
    with Network() as network:
        run_lives([Guest(network, Tapkeep(True, QUEUES)),
                   Guest(network, Local(False, QUEUES))])


main()
