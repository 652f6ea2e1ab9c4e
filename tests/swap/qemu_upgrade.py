#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest changes from the VM's own QEMU to the one that is tested, and back.

Both have the patches, and the machine type is one that the older one has, too.
"""

import os
import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from life import named_tests, nothing_lost, run_lives  # noqa: E402
from refusals import both_say  # noqa: E402
from vmm import Local, Network, Scene, Tapkeep, build_path  # noqa: E402

QUEUES, FLOWS, RATE = 4, 8, 250
# More packets than a ring has slots: only a keep holds them.
BURST = 1500
OLDER, NEWER = "10.0", os.environ.get("TAPKEEP_QEMU_SERIES") or "10.2"
MACHINE = f"pc-i440fx-{OLDER}"


class Guest:
    """First in the older QEMU."""

    def __init__(self, network, scenario):
        self.scenario = scenario
        self.scene = Scene(network)
        self.vmm = None
        self.targets = 0

    @staticmethod
    def options(series):
        return {"qemu": str(build_path("qemu", series, "qemu-system-x86_64")),
                "channels": QUEUES, "more": ["-machine", MACHINE]}

    def expect(self, vmm, series):
        """Is it that QEMU, and of that machine type?"""
        version = vmm.qmp.command("query-version")["qemu"]
        kind = vmm.qmp.command("qom-get", {"path": "/machine",
                                           "property": "type"})
        ktap.note(f"{vmm.name}: QEMU {version}, {kind}")
        ktap.check(f"{version['major']}.{version['minor']}" == series and
                   kind == f"{MACHINE}-machine", f"not {MACHINE} in {series}")

    def boot(self):
        self.vmm = self.scene.boot(self.scenario, **self.options(OLDER))
        self.expect(self.vmm, OLDER)

    def target(self, scenario, series):
        self.targets += 1
        target = self.scene.target(scenario, f"target-{self.targets}",
                                   **self.options(series))
        self.expect(target, series)
        return target

    def changes_to(self, series):
        """And nothing is lost."""
        if not self.vmm:
            self.boot()
        target = self.target(self.scenario, series)
        burst = BURST if self.scenario.keep else 0
        with self.scene.traffic(rate=RATE, flows=FLOWS,
                                burst=burst) as traffic:
            time.sleep(0.5)
            self.scene.swap(self.vmm, target, traffic if burst else None)
            time.sleep(0.5)
            result = traffic.finish()
        self.vmm.quit()
        self.vmm = target
        ktap.figure(swaps=1)
        ktap.note(f"{result['to_guest']['sent']} packets to the guest, "
                  f"{result['from_guest']['sent']} from it")
        nothing_lost(result)

    def is_refused_by(self, series):
        """The reason crosses from the one QEMU to the other."""
        both_say(self.vmm, self.target(Local(self.scenario.vhost, QUEUES),
                                       series), "tapkeep=")

    def named_tests(self):
        def refusal(hears, refuses):
            return [(f"{hears} hears why {refuses} refuses",
                     lambda: self.is_refused_by(refuses))] \
                if self.scenario.keep else []

        return named_tests(self, [
            (f"from {OLDER} to {NEWER}, nothing lost",
             lambda: self.changes_to(NEWER)),
            *refusal(NEWER, OLDER),
            (f"back to {OLDER}, nothing lost", lambda: self.changes_to(OLDER)),
            *refusal(OLDER, NEWER)])


def main():
    with Network() as network:
        run_lives([Guest(network, Tapkeep(True, QUEUES)),
                   Guest(network, Tapkeep(False, QUEUES)),
                   Guest(network, Local(True, QUEUES))])


main()
