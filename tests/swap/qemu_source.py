#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A source that has handed its guest over cannot disturb it any more.

It still has the queues and the guest's memory: it is told to go on, its link is
set, its device is reset, its NIC and netdev are unplugged, and it quits, while
the guest works elsewhere and keeps all of its rings busy.
"""

import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from hotplug import hotplugged  # noqa: E402
from life import named_tests, nothing_lost, run_lives, tap_offloads  # noqa: E402
from qmp import QmpError  # noqa: E402
from vmm import Local, Network, Scene, Tapkeep  # noqa: E402

QUEUES, FLOWS, RATE = 4, 8, 200
BUSY = "(while :; do echo 0x1103 >{0}; echo 0x1003 >{0}; echo x >>/requests; " \
       "done) & sleep 0.3"
FLAGS = "/sys/class/net/eth0/flags"


class Guest:
    """It has moved on before its first test, and stays where it is."""

    def __init__(self, network, scenario):
        self.network = network
        self.scenario = scenario
        self.scene = Scene(network)
        self.source = self.target = None

    def start(self, name, incoming):
        return hotplugged(self.scene, self.scenario, name, incoming,
                          shell=True)

    def moves(self):
        self.source = self.start("source", False)
        self.network.attach(self.scenario.source_tap)
        self.source.qmp.command("cont")
        self.scene.wait_guest(self.source)
        self.target = self.start("target", True)
        self.target.listen()
        self.source.qmp.command("migrate",
                                {"uri": f"unix:{self.target.channel}"})
        self.scene.wait_migration(self.source)
        self.target.qmp.event("MIGRATION", 10, 0,
                              lambda e: e["data"]["status"] == "completed")
        self.target.qmp.command("cont")
        ktap.figure(swaps=1)
        self.target.shell.run(BUSY.format(FLAGS))

    def go_on(self):
        try:
            self.source.qmp.command("cont")
        except QmpError as err:
            ktap.note(err)
            return
        raise ktap.Failure("it goes on")

    def set_link(self):
        for up in False, True:
            self.source.qmp.command("set_link", {"name": "net0", "up": up})

    def reset(self):
        since = self.source.qmp.mark()
        self.source.qmp.command("system_reset")
        self.source.qmp.event("RESET", 10, since)

    def unplug(self):
        self.source.qmp.command("device_del", {"id": "nic0"})
        self.source.qmp.command("netdev_del", {"id": "net0"})

    def quit(self):
        self.source.quit()

    def requests(self):
        """That the control queue has answered by now."""
        time.sleep(0.2)
        return int(self.target.shell.run("grep -c x /requests"))

    def leaves_alone(self, act):
        """The source does something, of which the guest notices nothing."""
        tap = self.scenario.source_tap
        before = tap_offloads(tap)
        with self.scene.traffic(rate=RATE, flows=FLOWS) as traffic:
            time.sleep(0.3)
            act()
            time.sleep(0.3)
            result = traffic.finish()
        said = self.source.said()
        ktap.check("qemu-system" not in said or act == self.go_on, said)
        ktap.check(tap_offloads(tap) == before,
                   f"the TAP had {before}, and has {tap_offloads(tap)}")
        nothing_lost(result)
        ktap.check(0 < self.requests() < self.requests(),
                   "the control queue does not answer")

    def named_tests(self):
        acts = [("is told to go on", self.go_on),
                ("has its link set", self.set_link), ("is reset", self.reset),
                ("is told to go on after that", self.go_on),
                ("loses its NIC", self.unplug), ("quits", self.quit)]
        return named_tests(self, [
            ("the guest moves", self.moves),
            *((f"the source {text}", lambda act=act: self.leaves_alone(act))
              for text, act in acts)])


def main():
    with Network() as network:
        run_lives([Guest(network, Tapkeep(True, QUEUES)),
                   Guest(network, Local(False, QUEUES))])


main()
