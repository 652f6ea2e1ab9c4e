#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The bar that QEMU's own local migration of a live TAP is measured by.

Source and target with -S, the target with -incoming defer; capabilities and
"local" are set by QMP before netdev_add; 4 queues, mq=on, vectors=18; a flood
ping throughout, without replies for half a second at most; ping both ways
afterwards; the source ends in postmigrate, the target is paused until "cont".
With a keep no ping is lost, besides.
"""

import re
import signal
import socket
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from hotplug import hotplugged  # noqa: E402
from vmm import (GUEST_ADDRESS, HOST_ADDRESS, MIGRATION_TIMEOUT_S,  # noqa: E402
                 Local, Network, Reopen, Scene, Tapkeep, wait_until)

QUEUES, VECTORS = 4, 18
CAPABILITIES = "events", "x-ignore-shared"
LONGEST_GAP_MS = 500
ECHO_REPLY = 0
# Of linux/icmp.h and asm-generic/socket.h, for which Python has no names.
SOL_RAW, ICMP_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 255, 1, 33, 35
BUFFER = 32 << 20
# Of pings before a swap, and after it.
MARGIN_S = 0.7
COUNTS = re.compile(r"(\d+) packets transmitted, (\d+) received")


class FloodPing:
    """ping -f, and the kernel's time of each reply."""

    def __init__(self):
        self.replies = socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                     socket.IPPROTO_ICMP)
        self.replies.setsockopt(SOL_RAW, ICMP_FILTER,
                                struct.pack("I", ~(1 << ECHO_REPLY)
                                            & 0xffffffff))
        self.replies.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self.replies.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(["ping", "-f", "-q", GUEST_ADDRESS],
                                        stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.replies.close()

    def times(self):
        found = []
        while True:
            try:
                control = self.replies.recvmsg(64, 64, socket.MSG_DONTWAIT)[1]
            except BlockingIOError:
                return found
            seconds, ns = struct.unpack("qq", control[0][2][:16])
            found.append(seconds + ns / 1e9)

    def finish(self):
        """Return: the longest time without a reply, and how many are missing.

        The time until now counts as well: nothing might come any more.
        """
        times = [*self.times(), time.time()]
        self.process.send_signal(signal.SIGINT)
        sent, received = map(int, COUNTS.search(
            self.process.communicate(timeout=10)[0]).groups())
        gap_ms = 1000 * max(b - a for a, b in zip(times, times[1:]))
        ktap.note(f"{sent} pings, {sent - received} without a reply, the "
                  f"longest gap between replies {gap_ms:.0f} ms")
        return gap_ms, sent - received


def pings_both_ways(target):
    done = subprocess.run(["ping", "-c", "1", "-W", "2", GUEST_ADDRESS],
                          capture_output=True, text=True, timeout=20,
                          check=False)
    ktap.check(done.returncode == 0, f"no reply to ping: {done.stdout}")
    target.shell.run(f"ping -c 1 -W 2 {HOST_ADDRESS}")


def start(scene, scenario, name, incoming=False):
    return hotplugged(scene, scenario, name, incoming, VECTORS, CAPABILITIES,
                      shell=True)


def boot(scene, scenario):
    source = start(scene, scenario, "source")
    scene.network.attach(scenario.source_tap)
    ktap.check(source.status() == "prelaunch", f"it is {source.status()}")
    source.qmp.command("cont")
    scene.wait_guest(source)
    return source


def migrate(source, target):
    source.qmp.command("migrate", {"uri": f"unix:{target.channel}"})
    source.scene.wait_migration(source)
    wait_until(lambda: target.status() == "paused", MIGRATION_TIMEOUT_S,
               "the target to be paused")
    ktap.check(source.status() == "postmigrate",
               f"the source is {source.status()}")
    target.qmp.command("cont")


def swap(scenario, local=None):
    with Network() as network, Scene(network) as scene:
        scenario.local = scenario.local if local is None else local
        source = boot(scene, scenario)
        target = start(scene, scenario, "target", incoming=True)
        if scenario.target_tap != scenario.source_tap:
            network.attach(scenario.target_tap)
        target.listen()
        with FloodPing() as ping:
            time.sleep(MARGIN_S)
            migrate(source, target)
            time.sleep(MARGIN_S)
            gap_ms, missing = ping.finish()
        ktap.figure(swaps=1)
        if scenario.target_tap == scenario.source_tap:
            ktap.figure(longest_ping_gap_ms=gap_ms)
        ktap.check(gap_ms <= LONGEST_GAP_MS, f"a gap of {gap_ms:.0f} ms")
        # The last may have been under way.
        ktap.check(not scenario.keep or missing <= 1, f"{missing} pings lost")
        source.quit()
        pings_both_ways(target)


ktap.main([
    ("local, vhost off", lambda: swap(Local(False, QUEUES))),
    ("local, vhost on", lambda: swap(Local(True, QUEUES))),
    ("tapkeep, vhost off", lambda: swap(Tapkeep(False, QUEUES))),
    ("tapkeep, vhost on", lambda: swap(Tapkeep(True, QUEUES))),
    ("local off, a second TAP: as ever",
     lambda: swap(Reopen(True, QUEUES))),
    ("local on, a second TAP that does not take part: as ever",
     lambda: swap(Reopen(False, QUEUES), local=True)),
])
