#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A swap that fails before the target has claimed: the source goes on."""

import os
import signal
import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from qmp import QmpError  # noqa: E402
from refusals import begin, fails, never_stopped  # noqa: E402
from rollback import Guest, Rollback, Spoiled, goes_on  # noqa: E402
from vmm import (MIGRATION_TIMEOUT_S, TRAFFIC_PRIORITY, Network,  # noqa: E402
                 Scene, Tapkeep)

# Within the hand-over, and behind its magic, version and length.
SPOILED_AT = 24


class TargetHangs(Rollback):
    """Before it has looked at the setup: the guest is not stopped for it."""
    stops = False

    def fail(self, source, target):
        target.process.send_signal(signal.SIGSTOP)
        since = begin(source, target.channel)
        time.sleep(1)
        never_stopped(source, since)
        self.end(source, target)
        ktap.note(fails(source, since))
        never_stopped(source, since)

    def end(self, source, target):
        target.kill()


class GivenUp(TargetHangs):
    """The operator does not wait for it."""

    def end(self, source, target):
        source.qmp.command("migrate_cancel")


class TargetKilled(Rollback):
    """When the guest has stopped, before it can read any of its state."""

    def fail(self, source, target):
        source.qmp.listen(
            "STOP", lambda _event: target.process.send_signal(signal.SIGSTOP),
            TRAFFIC_PRIORITY)
        since = begin(source, target.channel)
        source.qmp.event("STOP", MIGRATION_TIMEOUT_S, since)
        time.sleep(0.1)
        target.kill()
        ktap.note(fails(source, since))
        goes_on(source, since)


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
    ("the target hangs before the guest stops: it does not stop",
     TargetHangs()),
    ("the same, and the migration is cancelled", GivenUp()),
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
