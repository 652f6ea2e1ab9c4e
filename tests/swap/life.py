# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that goes through many swaps, and has to work after each."""

import time

import ktap
from vmm import Scene, losses, run

RATE, FLOWS = 200, 2
# Of traffic before a swap, and after it.
MARGIN_S = 0.4
# What the host may leave to the guest, as features of the TAP's interface.
TAP_OFFLOADS = {"csum": "tx-checksum-ip-generic",
                "tso4": "tx-tcp-segmentation", "tso6": "tx-tcp6-segmentation"}


def tap_offloads(tap):
    """Those that are on, as the TAP's interface has them."""
    features = run("ethtool", "-k", tap)
    return {name for name, feature in TAP_OFFLOADS.items()
            if f"{feature}: on" in features}


def nothing_lost(result):
    ktap.check(not losses(result), losses(result))


def carries(scene):
    """Traffic goes both ways without a loss."""
    with scene.traffic(rate=RATE) as traffic:
        time.sleep(1)
        result = traffic.finish()
    nothing_lost(result)


class Life:
    """A guest with a shell, and the QEMU that it is in now.

    Tests that come one after another go on where the one before has ended.
    """

    def __init__(self, network, scenario, **options):
        self.network = network
        self.scenario = scenario
        self.options = {"shell": True, **options}
        self.scene = Scene(network)
        self.vmm = None
        self.swaps = 0

    def boot(self):
        self.vmm = self.scene.boot(self.scenario, **self.options)

    def shell(self, command, timeout=10):
        """What the guest's shell answers."""
        return self.vmm.shell.run(command, timeout)

    def target(self):
        self.swaps += 1
        return self.scene.target(self.scenario, f"target-{self.swaps}",
                                 **self.options)

    def swap(self, target=None):
        """The guest runs in another QEMU, and the one before has ended."""
        source, self.vmm = self.vmm, target or self.target()
        self.scene.swap(source, self.vmm)
        ktap.check(self.vmm.status() == "running",
                   f"it is {self.vmm.status()}")
        if self.scenario.keep:
            keep = self.scene.keep(self.scenario.keep)
            ktap.check(keep["state"] == "active" and
                       keep["owner_pid"] == self.vmm.process.pid, keep)
        source.quit()
        ktap.figure(swaps=1)

    def works(self, swap=False):
        """Traffic both ways, of which nothing is lost, also in a swap."""
        target = self.target() if swap else None
        with self.scene.traffic(rate=RATE, flows=FLOWS) as traffic:
            time.sleep(MARGIN_S)
            if swap:
                self.swap(target)
                time.sleep(MARGIN_S)
            result = traffic.finish()
        nothing_lost(result)

    def tests(self):
        """What it goes through: pairs of a name and a function."""
        raise NotImplementedError

    def named_tests(self):
        return named_tests(self, self.tests())


def named_tests(guest, tests):
    """They say whose they are, and the guest's end is the last of them."""
    name = f"{guest.scenario.name}, vhost " + \
        ("on" if guest.scenario.vhost else "off")
    return [(f"{name}: {text}", function) for text, function in
            (*tests, ("and ends", guest.scene.close))]


def run_lives(lives):
    """One after another. Each sets its guest up in its first test."""
    ktap.main([test for life in lives for test in life.named_tests()],
              lambda: [ktap.note(life.scene.report()) for life in lives
                       if life.scene.vmms])
