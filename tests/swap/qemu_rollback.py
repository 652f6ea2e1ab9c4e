#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Swaps that fail early and late: one of the two goes on, and one only.

Before the target has claimed the keep the source goes on, by itself or when it
is told to; afterwards it cannot, and says who has the keep.
"""

import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from life import nothing_lost  # noqa: E402
from proxy import Proxy  # noqa: E402
from refusals import begin, fails, refused, says  # noqa: E402
from rollback import RATE, Guest, Rollback, Spoiled, goes_on  # noqa: E402
from vmm import Network, Scene, Tapkeep, wait_until  # noqa: E402

# Both have one more device, behind the NIC in the stream.
EXTRA = ["-device", "virtio-rng-pci"]
# What a target says by the return path when all is well: SHUT, 4 bytes, 0.
ALL_WELL = bytes((0, 1, 0, 4, 0, 0, 0, 0))


class BadByte(Spoiled):
    """A name in the stream is misspelt."""
    reason = "load of migration failed"

    def __init__(self, mark, behind=b""):
        super().__init__()
        self.mark = mark + behind
        self.last = len(mark) - 1

    def spoil(self, data, fds, at):
        at += self.last
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:], fds


class BadSetup(BadByte):
    """Seen before the guest stops."""
    stops = False


class Broken(Spoiled):
    """The channel breaks behind the hand-over, which was read."""
    reason = "load of migration failed"
    mark = b"/virtio-rng"

    def spoil(self, data, fds, at):
        return None


class MissingDevice(Rollback):
    """The target has no place for what comes behind the hand-over."""
    # The guest goes on at once: a burst might overflow the ring after that.
    stops = False

    def new_target(self, guest, name):
        return guest.scene.target(guest.scenario, name)

    def fail(self, source, target):
        since = begin(source, target.channel)
        said = fails(source, since)
        goes_on(source, since)
        wait_until(lambda: not target.alive(), 20, "the target to give up")
        says(f"the source: {said}", "load of migration failed")
        says(f"the target: {target.said()}", "virtio-rng")


class Paused(BadByte):
    """A source that was stopped before goes on when it is told to."""

    def __call__(self, guest):
        source = guest.source
        target = guest.target("target-paused")
        path = f"{target.channel}.proxy"
        proxy = Proxy(path, target.channel, self.filter)
        with guest.scene.traffic(rate=RATE) as traffic:
            time.sleep(0.5)
            source.qmp.command("stop")
            traffic.burst()
            ktap.note(fails(source, begin(source, path)))
            wait_until(lambda: not target.alive(), 20,
                       "the target to give up")
            ktap.check(source.status() == "paused", source.status())
            keep = guest.scene.keep("vm1")
            ktap.check(keep["state"] == "frozen" and keep["generation"] == 1,
                       keep)
            source.qmp.command("cont")
            time.sleep(1)
            result = traffic.finish()
        proxy.close()
        target.kill()
        nothing_lost(result)


def nobody_tells(guest):
    """The target has claimed, and the channel breaks before it says so."""
    source, target = guest.source, guest.target("target-mute")
    path = f"{target.channel}.proxy"
    proxy = Proxy(path, target.channel, back=lambda data, fds:
                  None if ALL_WELL in data else (data, fds))
    with guest.scene.traffic(rate=RATE) as traffic:
        time.sleep(0.5)
        traffic.burst_on_stop(source)
        since = begin(source, path)
        ktap.note(fails(source, since))
        stays_stopped(source, target)
        time.sleep(1)
        result = traffic.finish()
    proxy.close()
    nothing_lost(result)
    ktap.check("RESUME" not in source.qmp.names()[since:], "it went on")
    source.quit()
    guest.source = target


def stays_stopped(source, target):
    """It says who has the keep, and the guest goes on there."""
    wait_until(lambda: source.status() == "postmigrate", 10,
               "the source to see that it is over")
    refused(["keep 'vm1'", f"owner: process {target.process.pid}"],
            source.qmp.command, "cont")
    ktap.check(source.status() == "postmigrate", source.status())
    wait_until(lambda: target.status() == "running", 10, "the target to run")


def too_late(guest):
    """After a swap that succeeded."""
    target = guest.target("target-last")
    with guest.scene.traffic(rate=RATE) as traffic:
        time.sleep(0.5)
        guest.scene.swap(guest.source, target, burst=traffic)
        ktap.figure(swaps=1)
        stays_stopped(guest.source, target)
        time.sleep(1)
        result = traffic.finish()
    nothing_lost(result)


TESTS = [
    ("the setup in the stream is wrong: the guest does not stop",
     BadSetup(b"/virtio-net-local-setup")),
    ("the NIC's name in the stream is wrong: nothing lost",
     BadByte(b"/virtio-net", b"\0")),
    ("the subsection with the back end is wrong: nothing lost",
     BadByte(b"virtio-net-device/local")),
    ("the subsection with the keep is wrong: nothing lost",
     BadByte(b"tap-local/keep")),
    ("the channel breaks behind the hand-over: nothing lost", Broken()),
    ("a device behind the NIC cannot be loaded: nothing lost",
     MissingDevice()),
    ("a source that was stopped goes on by cont: nothing lost",
     Paused(b"tap-local/keep")),
    ("the target has claimed and cannot say so: it goes on, the source says "
     "who has the keep", nobody_tells),
    ("the source of a swap says who has the keep", too_late),
]


def main():
    with Network() as network, Scene(network) as scene:
        guest = Guest(scene, Tapkeep(True), more=EXTRA)
        ktap.main([(name, lambda test=test: test(guest))
                   for name, test in TESTS], guest.report)


main()
