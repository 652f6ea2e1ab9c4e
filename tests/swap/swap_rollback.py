#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A swap that fails before the target has claimed: the source goes on."""

import os
import signal
import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from proxy import Proxy  # noqa: E402
from qmp import QmpError, event_time  # noqa: E402
from vmm import (MIGRATION_TIMEOUT_S, MigrationFailed, Network,  # noqa: E402
                 Scene, Tapkeep, losses, wait_until)

RATE = 250
HANDOVER_MAGIC = b"TAPKEEP\x1a"
# Within the hand-over, and behind its magic, version and length.
SPOILED_AT = 24
# Longer than sending the burst takes.
BURST_S = 0.1


def begin(source, channel):
    since = source.qmp.mark()
    source.prepare_migration()
    source.qmp.command("migrate", {"uri": f"unix:{channel}"})
    return since


def fails(source, since):
    """The migration fails, for a reason that is returned."""
    try:
        source.scene.wait_migration(source, since)
    except MigrationFailed as err:
        return str(err)
    raise ktap.Failure("the migration succeeded")


def goes_on(source, since):
    """The source runs again, and owns the keep."""
    resume = source.qmp.event("RESUME", MIGRATION_TIMEOUT_S, since)
    stop = source.qmp.event("STOP", 1, since)
    ktap.note(f"the guest stopped for "
              f"{(event_time(resume) - event_time(stop)) * 1000:.0f} ms")
    ktap.check(source.status() == "running", f"it is {source.status()}")
    keep = source.scene.keep("vm1")
    ktap.check(keep["state"] == "active" and keep["generation"] == 1
               and keep["owner_pid"] == source.process.pid,
               f"the keep is not the source's: {keep}")


class Guest:
    """One guest that outlives all these failures, and then a swap."""

    def __init__(self, scene, scenario):
        self.scene = scene
        self.scenario = scenario
        self.source = scene.boot(scenario)

    def report(self):
        ktap.note(self.scene.report())

    def swap(self):
        """What failed before is no obstacle."""
        target = self.scene.target(self.scenario, "last")
        with self.scene.traffic(rate=RATE) as traffic:
            time.sleep(1)
            self.scene.swap(self.source, target, on_stop=traffic.burst)
            time.sleep(1)
            result = traffic.finish()
        ktap.check(not losses(result), losses(result))
        keep = self.scene.keep("vm1")
        ktap.check(keep["generation"] == 2
                   and keep["owner_pid"] == target.process.pid,
                   f"the keep is not the target's: {keep}")


class Rollback:
    """One swap that fails, under traffic."""
    stops = True

    def __call__(self, guest):
        source = guest.source
        target = guest.scene.target(guest.scenario,
                                    f"target-{type(self).__name__}")
        with guest.scene.traffic(rate=RATE) as traffic:
            time.sleep(1)
            if self.stops:
                source.qmp.listen("STOP", traffic.burst)
            self.fail(source, target)
            source.qmp.listeners.clear()
            time.sleep(1)
            result = traffic.finish()
        target.kill()
        ktap.check(not losses(result), losses(result))
        ktap.check(result["bursts"] == int(self.stops), "no burst was sent")

    def fail(self, source, target):
        raise NotImplementedError


class TargetKilled(Rollback):
    """Before it can read any of the stream."""

    def fail(self, source, target):
        target.process.send_signal(signal.SIGSTOP)
        since = begin(source, target.channel)
        source.qmp.event("STOP", MIGRATION_TIMEOUT_S, since)
        time.sleep(0.1)
        target.kill()
        ktap.note(fails(source, since))
        goes_on(source, since)


class Spoiled(Rollback):
    """Somebody in the middle of the channel."""
    reason = ""

    def __init__(self):
        self.seen = False
        self.target = None

    def fail(self, source, target):
        self.target = target
        path = f"{target.channel}.proxy"
        proxy = Proxy(path, target.channel, self.filter)
        since = begin(source, path)
        ktap.note(fails(source, since))
        goes_on(source, since)
        ktap.check(self.seen, "the hand-over was not seen")
        wait_until(lambda: not target.alive(), 20,
                   "the target to give the spoiled stream up")
        said = target.said()
        ktap.note(f"the target said: {said}")
        ktap.check(self.reason in said, f"nothing of '{self.reason}'")
        proxy.close()

    def filter(self, data, fds):
        if HANDOVER_MAGIC not in data:
            return data, fds
        self.seen = True
        # The guest goes on at once when this fails, and a burst that still
        # lasts then may overflow the usual ring, as it may without a swap.
        time.sleep(BURST_S)
        return self.spoil(data, fds, data.index(HANDOVER_MAGIC))

    def spoil(self, data, fds, at):
        raise NotImplementedError


class Corrupted(Spoiled):
    reason = "CRC"

    def spoil(self, data, fds, at):
        at += SPOILED_AT
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:], fds


class KilledWhileLoading(Spoiled):
    """The target dies when the hand-over is on its way to it."""

    def spoil(self, data, fds, at):
        self.target.process.kill()
        return data, fds


class Truncated(Spoiled):
    reason = "load of migration failed"

    def spoil(self, data, fds, at):
        for fd in fds:
            os.close(fd)
        return None


class Stripped(Spoiled):
    """No descriptor gets through."""
    reason = "descriptor"

    def filter(self, data, fds):
        for fd in fds:
            os.close(fd)
        self.seen = self.seen or bool(fds)
        return data, []


class NoUnixSocket(Rollback):
    """Refused before the guest stops."""
    stops = False

    def fail(self, source, target):
        since = source.qmp.mark()
        source.prepare_migration()
        try:
            source.qmp.command("migrate", {"uri": "tcp:127.0.0.1:4444"})
        except QmpError as err:
            said = str(err)
        else:
            said = fails(source, since)
        ktap.note(said)
        ktap.check("Unix" in said, "the error does not say what is wrong")
        ktap.check("STOP" not in source.qmp.names()[since:],
                   "the guest was stopped")
        ktap.check(source.status() == "running", f"it is {source.status()}")


def target_refuses_tcp(guest):
    target = guest.scene.start(guest.scenario, "target-tcp", incoming=True)
    target.prepare_migration()
    try:
        target.qmp.command("migrate-incoming", {"uri": "tcp:127.0.0.1:4444"})
    except QmpError as err:
        ktap.note(err)
        ktap.check("Unix" in str(err), "the error is not clear")
    else:
        raise ktap.Failure("the target listens on TCP")
    target.kill()
    guest.scene.wait_guest(guest.source)


def no_second_owner(guest):
    """Without -incoming a keep that has an owner is refused."""
    try:
        guest.scene.start(guest.scenario, "second")
    except QmpError as err:
        ktap.note(err)
    else:
        raise ktap.Failure("a second QEMU took the keep")
    said = guest.scene.vmms[-1].said()
    ktap.note(said)
    ktap.check("belongs to another process" in said, "the error is unclear")
    guest.scene.wait_guest(guest.source)


TESTS = [
    ("the target is killed before it loads: nothing lost", TargetKilled()),
    ("the target is killed while it loads: nothing lost",
     KilledWhileLoading()),
    ("a bit of the hand-over is wrong: refused, nothing lost", Corrupted()),
    ("the stream breaks off: refused, nothing lost", Truncated()),
    ("the descriptors are missing: refused, nothing lost", Stripped()),
    ("a channel that is no Unix socket: refused by the source, no stop",
     NoUnixSocket()),
    ("a channel that is no Unix socket: refused by the target",
     target_refuses_tcp),
    ("a keep with an owner is refused without -incoming", no_second_owner),
    ("the next swap succeeds, and nothing is lost", Guest.swap),
]


def main():
    vhost = "off" not in sys.argv[1:]
    with Network() as network, Scene(network) as scene:
        guest = Guest(scene, Tapkeep(vhost))
        ktap.main([(name, lambda test=test: test(guest))
                   for name, test in TESTS], guest.report)


main()
