#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Swaps after and while a guest changes how its NIC works.

It switches offloads, sets its address, filters and VLANs, keeps the control
queue busy, and loses its link: the QEMU that it is swapped to goes on with
all of that as it was, and nothing that is sent meanwhile is lost.
"""

import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from heard import link_events  # noqa: E402
from life import TAP_OFFLOADS, Life, run_lives, tap_offloads  # noqa: E402
from vmm import (BRIDGE, BRIDGE_MAC, GUEST_MAC, Network,  # noqa: E402
                 Tapkeep, guest_answers, run, wait_until)

# Of the guest's driver: the first is what the host may leave to the guest, and
# makes the TAP's interface what it is; the others, the guest leaves to the host.
OFFLOADS = "rx-gro-hw", "tso", "sg", "tx"
OTHER_MAC = "02:77:00:00:00:99"
# An address in the guest makes it listen to the group with this one.
ADDRESS, GROUP_MAC = "fd77::1:2", "33:33:ff:01:00:02"
DEAF_MAC = "33:33:ff:07:07:07"
VLAN, OTHER_VLAN = 5, 6
ETH_P_8021Q, ETH_P_TEST, FRAMES = 0x8100, 0x88B5, 40
FLAGS, PROMISC = "/sys/class/net/eth0/flags", 0x100


def as_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def send_frames(destination, vlan=None):
    """Into the bridge, as if somebody on the network had sent them."""
    tag = struct.pack("!HH", ETH_P_8021Q, vlan) if vlan else b""
    frame = as_bytes(destination) + as_bytes(BRIDGE_MAC) + tag + \
        struct.pack("!H", ETH_P_TEST) + bytes(50)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((BRIDGE, 0))
        for _ in range(FRAMES):
            sender.send(frame)


class Guest(Life):
    """Boots before its first test."""

    def eth0(self, name):
        return self.shell(f"cat /sys/class/net/eth0/{name}")

    def offloads(self):
        """The TAP does what the guest has chosen, before and after a swap."""
        self.boot()
        for state, expected in (("off", {"csum"}), ("on", set(TAP_OFFLOADS))):
            for name in OFFLOADS if state == "off" else reversed(OFFLOADS):
                self.shell(f"ethtool -K eth0 {name} {state}")
            self.keeps_offloads(expected)

    def keeps_offloads(self, expected):
        tap = self.scenario.source_tap
        before = tap_offloads(tap)
        ktap.check(before == expected, f"the TAP has {before}")
        features = self.shell("ethtool -k eth0")
        with link_events(tap) as events:
            self.works(swap=True)
            changes = events.count()
        ktap.check(changes == 0, f"the TAP has changed {changes} times")
        ktap.check(tap_offloads(tap) == before,
                   f"{before} before the swap, {tap_offloads(tap)} after it")
        ktap.check(self.shell("ethtool -k eth0") == features,
                   "the guest's driver has other features")

    def filters(self):
        """What the guest wants to receive, and what it does not."""
        self.shell("while read -r module; do insmod /lib/modules/$module.ko; "
                   "done </lib/modules/later")
        self.shell(f"ip link set eth0 address {OTHER_MAC}; "
                   f"ip address add {ADDRESS}/64 dev eth0; "
                   f"ip link add link eth0 name eth0.{VLAN} type vlan "
                   f"id {VLAN}")
        run("ip", "neighbour", "flush", "dev", BRIDGE)
        self.filters_are_set()
        before = self.rx_filter()
        self.works(swap=True)
        after = self.rx_filter()
        ktap.check(before == after, f"{before} before the swap, {after} after")
        self.filters_are_set()
        self.shell(f"ip link delete eth0.{VLAN}; "
                   f"ip address delete {ADDRESS}/64 dev eth0; "
                   f"ip link set eth0 address {GUEST_MAC}")
        run("ip", "neighbour", "flush", "dev", BRIDGE)
        self.works()

    def rx_filter(self):
        """QEMU's. Tables are sets."""
        found, = self.vmm.qmp.command("query-rx-filter")
        return {key: sorted(value) if isinstance(value, list) else value
                for key, value in found.items()}

    def filters_are_set(self):
        found = self.rx_filter()
        ktap.check(found["main-mac"] == OTHER_MAC and not found["promiscuous"]
                   and GROUP_MAC in found["multicast-table"]
                   and VLAN in found["vlan-table"]
                   and OTHER_VLAN not in found["vlan-table"], found)
        for destination, vlan in ((OTHER_MAC, None), (GROUP_MAC, None),
                                  (OTHER_MAC, VLAN)):
            ktap.check(self.receives(destination, vlan),
                       f"nothing arrives for {destination}, VLAN {vlan}")
        if self.scenario.vhost:
            return      # which has no filter
        for destination, vlan in ((DEAF_MAC, None), (OTHER_MAC, OTHER_VLAN)):
            ktap.check(not self.receives(destination, vlan),
                       f"what is for {destination}, VLAN {vlan}, arrives")

    def receives(self, destination, vlan):
        """Others send little: half of what is sent here is far more."""
        before = int(self.eth0("statistics/rx_packets"))
        send_frames(destination, vlan)
        after = int(self.eth0("statistics/rx_packets"))
        return after - before > FRAMES / 2

    def control_queue(self):
        """The guest waits for the answer to one request after another."""
        flags = int(self.eth0("flags"), 16)
        self.shell(
            f"(until [ -e /stop ]; do echo {flags | PROMISC} >{FLAGS}; "
            f"echo {flags} >{FLAGS}; echo x >>/requests; done; "
            "echo end >>/requests) & sleep 0.3")
        for _ in range(2):
            self.works(swap=True)
            before, after = self.requests(), self.requests()
            ktap.note(f"{before} and then {after} requests")
            ktap.check(0 < before < after, "it waits for an answer")
        self.shell("touch /stop")
        wait_until(lambda: self.count("end"), 10, "the last answer")
        ktap.check(not self.rx_filter()["promiscuous"], "the last was lost")
        self.works()

    def requests(self):
        time.sleep(0.2)
        return self.count("x")

    def count(self, word):
        """Nothing, when the line that was typed did not come back whole."""
        return int(self.shell(f"grep -c {word} /requests || true") or 0)

    def link(self):
        """Down before the swap, up after it; and as it is with each swap."""
        self.set_link(False)
        wait_until(lambda: self.eth0("carrier") == "0", 10, "no link")
        self.swap()
        ktap.check(self.eth0("carrier") == "0", "the link is up")
        before = self.eth0("statistics/rx_packets")
        ktap.check(not guest_answers(), "packets pass a link that is down")
        ktap.check(self.eth0("statistics/rx_packets") == before,
                   "the guest has received something")
        self.set_link(True)
        wait_until(lambda: self.eth0("carrier") == "1", 10, "a link")
        self.scene.wait_guest(self.vmm, 10)
        self.works(swap=True)
        ktap.check(self.eth0("carrier") == "1", "the link is down")

    def set_link(self, up):
        self.vmm.qmp.command("set_link", {"name": "net0", "up": up})

    def tests(self):
        return [("the guest changes offloads", self.offloads),
                ("it sets address, filters and VLANs", self.filters),
                ("it uses the control queue", self.control_queue),
                ("its link is down, and up again", self.link)]


def main():
    with Network() as network:
        run_lives([Guest(network, Tapkeep(vhost=True)),
                   Guest(network, Tapkeep(vhost=False))])


main()
