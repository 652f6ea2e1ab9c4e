#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A target that is not like the source: both say why, and the source goes on."""

import sys

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from refusals import both_say, does_not_start  # noqa: E402
from vmm import Local, Network, Reopen, Scene, Tapkeep  # noqa: E402

QUEUES = 4
NIC = "virtio-net-pci-non-transitional"


class OwnTap(Local):
    """A target that takes part, and has opened a TAP itself."""

    def netdev(self, incoming):
        return self.options(*self.opened("tap1"),
                            "x-permit-local-migration=on")


class Other(Reopen):
    """A target that has 'local' on, and a TAP that takes no part."""

    def __init__(self, vhost, queues):
        super().__init__(vhost, queues)
        self.local = True


class Off(Local):
    """A target that waits for descriptors, and has 'local' off."""

    def __init__(self, vhost, queues):
        super().__init__(vhost, queues)
        self.local = False

    def extra(self):
        return []


class Pair:
    """A source with its guest, and targets that are wrong one after another."""

    def __init__(self, network, scenario):
        self.scene = Scene(network)
        self.scenario = scenario
        self.source = None
        self.targets = 0
        self.channels = scenario.queues if scenario.queues > 1 else 0

    def boot(self):
        if not self.source:
            self.source = self.scene.boot(self.scenario,
                                          channels=self.channels)
        return self.source

    def target(self, scenario, **options):
        self.boot()
        self.targets += 1
        target = self.scene.start(scenario, f"target-{self.targets}",
                                  incoming=True,
                                  channels=self.channels, **options)
        target.prepare_migration()
        target.listen()
        return target

    def differs(self, words, scenario, local=None, stops=False, **options):
        target = self.target(scenario, **options)
        both_say(self.boot(), target, words, local, stops=stops)
        keep = self.scenario.keep and self.scene.keep(self.scenario.keep)
        if keep:
            ktap.check(keep["state"] == "active" and keep["generation"] == 1,
                       f"the keep is not the source's: {keep}")

    def not_even_started(self, words, scenario):
        self.boot()
        does_not_start(words, self.scene, scenario, "refused", incoming=True)
        self.scene.wait_guest(self.source, 10)

    def is_swapped(self):
        """Nothing of all that is left; the last that is done with it."""
        try:
            target = self.target(self.scenario)
            self.scene.swap(self.source, target)
            ktap.figure(swaps=1)
            self.scene.wait_guest(target, 10)
        finally:
            self.scene.close()


def local_tests(pair):
    same = Local(True, QUEUES)
    return [
        ("the source's 'local' is off",
         lambda: pair.differs(["net0", "waits for the descriptors"], same,
                              local=False, stops=True)),
        ("the target's 'local' is off",
         lambda: pair.differs("set migration parameter 'local' here",
                              Off(True, QUEUES))),
        ("the target's TAP is its own",
         lambda: pair.differs("does not take part", Other(True, QUEUES))),
        ("the target's TAP is its own, and takes part",
         lambda: pair.differs(["net0", "has opened a TAP itself"],
                              OwnTap(True, QUEUES), stops=True)),
        ("fewer queues",
         lambda: pair.differs(f"has {QUEUES} queues, this one {QUEUES // 2}",
                              Local(True, QUEUES // 2))),
        ("more queues",
         lambda: pair.differs(f"has {QUEUES} queues, this one {QUEUES * 2}",
                              Local(True, QUEUES * 2))),
        ("a feature less than the guest uses",
         lambda: pair.differs("the guest uses features 0x2,", same,
                              nic=f"{NIC},guest_csum=off")),
        ("a target that is like the source", pair.is_swapped),
    ]


def keep_tests(pair):
    same = Tapkeep(True, QUEUES)
    return [
        ("a keep: the source's 'local' is off",
         lambda: pair.differs(["net0", "waits for the descriptors"], same,
                              local=False, stops=True)),
        ("a keep: the target has none",
         lambda: pair.differs("tapkeep=", Local(True, QUEUES), stops=True)),
        ("a keep: another number of queues",
         lambda: pair.not_even_started(["has 4 queues", "queues=2"],
                                       Tapkeep(True, QUEUES // 2))),
        ("a keep: a feature less than the guest uses",
         lambda: pair.differs("the guest uses features 0x2,", same,
                              nic=f"{NIC},guest_csum=off")),
        ("a keep: a target that is like the source", pair.is_swapped),
    ]


def reader_tests(pair):
    """The source's QEMU reads the queue itself, and has to go on with that."""
    return [
        ("vhost off: the target has no keep",
         lambda: pair.differs("tapkeep=", Local(False), stops=True)),
        ("vhost off: a target that is like the source", pair.is_swapped),
    ]


def main():
    with Network() as network:
        local = Pair(network, Local(True, QUEUES))
        keep = Pair(network, Tapkeep(True, QUEUES))
        reader = Pair(network, Tapkeep(False))
        with local.scene, keep.scene, reader.scene:
            ktap.main(local_tests(local) + keep_tests(keep)
                      + reader_tests(reader))


main()
