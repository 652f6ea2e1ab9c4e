#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ring indices: shown when the guest has stopped, and compared in a swap.

There are three that have to agree: what the source exported to the keep, what
its hand-over says, and what the target's device loaded. Each is changed in
turn, on its way.
"""

import struct
import sys
import time
import zlib

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from handle import Handle  # noqa: E402
from life import nothing_lost  # noqa: E402
from proxy import Proxy  # noqa: E402
from refusals import both_say  # noqa: E402
from vmm import Network, Scene, Tapkeep  # noqa: E402

QUEUES = 4
RATE = 250
MAGIC = b"TAPKEEP\x1a"
# In the hand-over: its length, and the first queue's used index.
LENGTH_AT, USED_AT = 12, 120 + 2
CRC_BYTES = 4


def differs(queue_index, value):
    """What an error about it has to name."""
    return [f"queue 0 {queue_index}", f"{value}", f"{(value + 1) & 0xffff}"]


class Guest:
    def __init__(self, network, vhost):
        self.scenario = Tapkeep(vhost, QUEUES)
        self.scene = Scene(network)
        self.source = None
        self.targets = 0

    def target(self):
        self.targets += 1
        return self.scene.target(self.scenario, f"target-{self.targets}",
                                 channels=QUEUES)

    def keep(self):
        return self.scene.keep(self.scenario.keep)

    def traffic(self):
        with self.scene.traffic(rate=RATE, flows=8) as traffic:
            time.sleep(0.5)
            result = traffic.finish()
        nothing_lost(result)

    def device_rings(self):
        """What QEMU says about each queue of the device."""
        qmp = self.source.qmp
        path = next(device["path"] for device in qmp.command("x-query-virtio")
                    if device["name"] == "virtio-net")
        for number in range(2 * QUEUES):
            status = qmp.command("x-query-virtio-queue-status",
                                 {"path": path, "queue": number})
            yield {"size": status["vring-num"],
                   "last_avail": status["last-avail-idx"],
                   "used": status["used-idx"]}

    def shows(self):
        """Of every queue, when nobody reads any more."""
        self.source = self.scene.boot(self.scenario, channels=QUEUES)
        self.traffic()
        self.source.qmp.command("stop")
        keep = self.keep()
        rings = list(self.device_rings())
        ktap.check(keep["stopped"] and keep["state"] == "frozen", keep)
        ktap.check(len(keep["queues"]) == QUEUES, keep)
        for number, queue in enumerate(keep["queues"]):
            ktap.note(queue)
            for shown, device in ((queue["rx"], rings[2 * number]),
                                  (queue["tx"], rings[2 * number + 1])):
                ktap.check(shown == device, f"queue {number}: {shown} is shown,"
                           f" the device has {device}")
            ktap.check(queue["enabled"], "not enabled")
        ktap.check(all(sum(queue[ring]["used"] for queue in keep["queues"])
                       for ring in ("rx", "tx")), "nothing was ever used")
        self.source.qmp.command("cont")
        self.traffic()

    def refuses(self, change):
        """@change: of what goes through, and the words to expect."""
        target = self.target()
        path = f"{target.channel}.proxy"
        words = []
        proxy = Proxy(path, target.channel,
                      lambda data, fds: (change(data, words), fds))
        try:
            both_say(self.source, target, words, channel=path)
        finally:
            proxy.close()
        ktap.check(words, "nothing was changed")
        keep = self.keep()
        ktap.check(keep["state"] == "active" and keep["generation"] == 1
                   and keep["owner_pid"] == self.source.process.pid,
                   f"the keep is not the source's: {keep}")
        self.traffic()

    def change_keep(self, data, words):
        """By its owner, when the hand-over is on its way."""
        if MAGIC in data:
            handle = Handle(self.source.process.pid)
            used = handle.change_used(QUEUES)
            handle.close()
            words += differs("rx_used", used)
        return data

    @staticmethod
    def change_handover(data, words):
        """So that it is whole."""
        if MAGIC not in data:
            return data
        changed, at = bytearray(data), data.index(MAGIC)
        length = struct.unpack_from("<I", data, at + LENGTH_AT)[0]
        used = struct.unpack_from("<H", data, at + USED_AT)[0]
        struct.pack_into("<H", changed, at + USED_AT, (used + 1) & 0xffff)
        end = at + length - CRC_BYTES
        struct.pack_into("<I", changed, end, zlib.crc32(changed[at:end]))
        words += differs("rx_used", used)
        return bytes(changed)

    def change_device(self, data, words):
        """In QEMU's own state of the virtqueue: size, address, last index."""
        keep = self.keep()
        if words or not keep.get("stopped") or b"virtio-net" not in data:
            return data
        ring = keep["queues"][0]["rx"]
        size = struct.pack(">I", ring["size"])
        last = struct.pack(">H", ring["last_avail"])
        for at in range(len(data) - 14):
            if data[at:at + 4] == size and data[at + 12:at + 14] == last:
                changed = bytearray(data)
                struct.pack_into(">H", changed, at + 12,
                                 (ring["last_avail"] + 1) & 0xffff)
                words += differs("rx_last_avail", ring["last_avail"])
                return bytes(changed)
        return data

    def swaps(self):
        """Nothing of all that is left."""
        try:
            target = self.target()
            with self.scene.traffic(rate=RATE, flows=8) as traffic:
                time.sleep(0.5)
                self.scene.swap(self.source, target, burst=traffic)
                time.sleep(1)
                result = traffic.finish()
            nothing_lost(result)
            ktap.figure(swaps=1)
        finally:
            self.scene.close()

    def tests(self):
        vhost = f"vhost {'on' if self.scenario.vhost else 'off'}"
        return [(f"{vhost}: {text}", function) for text, function in (
            ("the indices of every queue are shown after a stop", self.shows),
            ("the keep has another one: refused, both values named",
             lambda: self.refuses(self.change_keep)),
            ("the hand-over has another one: refused, both values named",
             lambda: self.refuses(self.change_handover)),
            ("the device has another one: refused, both values named",
             lambda: self.refuses(self.change_device)),
            ("they agree: a swap, and nothing is lost", self.swaps))]


def main():
    with Network() as network:
        guests = [Guest(network, vhost) for vhost in (True, False)]
        ktap.main([test for guest in guests for test in guest.tests()],
                  lambda: [ktap.note(guest.scene.report())
                           for guest in guests])


main()
