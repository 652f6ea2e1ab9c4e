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
from qmp import QmpError  # noqa: E402
from refusals import begin, fails, never_stopped  # noqa: E402
from rollback import (BURST_S, Guest, Rollback, Spoiled,  # noqa: E402
                      goes_on)
from vmm import MIGRATION_TIMEOUT_S, Network, Scene, Tapkeep  # noqa: E402

# Within the hand-over, and behind its magic, version and length.
SPOILED_AT = 24
# What a target says by the return path when it has looked at the setup: PONG,
# 4 bytes, and the number of the ping behind it (LOCAL_SETUP_PING).
SETUP_AGREED = bytes((0, 2, 0, 4, 0, 0, 0, 5))


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
    """When it has agreed to the setup, before it can read any state."""

    def fail(self, source, target):
        def agreed(data, fds):
            if SETUP_AGREED in data:
                target.process.send_signal(signal.SIGSTOP)
            return data, fds

        # The guest stops upon that answer: the target has stopped by then.
        path = f"{target.channel}.proxy"
        proxy = Proxy(path, target.channel, back=agreed)
        since = begin(source, path)
        source.qmp.event("STOP", MIGRATION_TIMEOUT_S, since)
        time.sleep(BURST_S)
        target.kill()
        ktap.note(fails(source, since))
        goes_on(source, since)
        proxy.close()


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
