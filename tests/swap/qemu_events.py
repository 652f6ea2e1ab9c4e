#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What management software hears of keeps, and why a hand-over was refused."""

import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from life import nothing_lost  # noqa: E402
from manage import Opened  # noqa: E402
from proxy import Proxy  # noqa: E402
from qmp import QmpError  # noqa: E402
from vmm import (MIGRATION_TIMEOUT_S, MigrationFailed, Network,  # noqa: E402
                 Scene, Tapkeep, wait_until)

RATE = 250
HANDOVER_MAGIC = b"TAPKEEP\x1a"
# Within the hand-over, and behind its magic, version and length.
SPOILED_AT = 24


def changes(vmm, since=0):
    """Names and generations, in order."""
    return [(event["data"]["change"], event["data"].get("generation"))
            for event in vmm.qmp.events[since:]
            if event["event"] == "NETDEV_TAPKEEP"]


def wait_changes(vmm, since, *expected):
    try:
        wait_until(lambda: len(changes(vmm, since)) >= len(expected), 10,
                   f"{len(expected)} events")
    finally:
        ktap.note(f"{vmm.name}: {changes(vmm, since)}")
    ktap.check(changes(vmm, since) == list(expected),
               f"{changes(vmm, since)}, not {list(expected)}")


def told(vmm, since):
    """The reason in the event that says refused."""
    event = vmm.qmp.event(
        "NETDEV_TAPKEEP", 10, since,
        lambda event: event["data"]["change"] == "refused")
    ktap.check(event["data"]["netdev-id"] == "net0", event)
    return event["data"]["reason"]


def expect(found, **values):
    for key, value in values.items():
        key = key.replace("_", "-")
        ktap.check(found.get(key) == value,
                   f"{key} is {found.get(key)!r}, not {value!r}: {found}")


class Guest:
    """One guest that outlives all this."""

    def __init__(self, scene, scenario):
        self.scene = scene
        self.scenario = scenario
        self.source = scene.boot(scenario)

    def report(self):
        ktap.note(self.scene.report())

    def migrate(self, channel):
        self.source.prepare_migration()
        self.source.qmp.command("migrate", {"uri": f"unix:{channel}"})


def asked(guest):
    """query-tapkeep and info tapkeep say what the module says."""
    source = guest.source
    kept = guest.scene.keep("vm1")
    answer = source.qmp.command("query-tapkeep")
    ktap.note(answer)
    ktap.check(len(answer) == 1, "not one netdev")
    expect(answer[0], netdev_id="net0", name="vm1", owner=True,
           state="active", generation=1, queues=1,
           owner_pid=source.process.pid, owner_command=kept["owner_comm"],
           hold_limit=kept["hold_limit"], lease_ms=kept["lease_ms"])
    said = source.qmp.command("human-monitor-command",
                              {"command-line": "info tapkeep"})
    ktap.note(said)
    for word in ("net0: keep vm1", "active, generation 1",
                 f"process {source.process.pid}"):
        ktap.check(word in said, f"nothing of '{word}'")


def stopped(guest):
    """Each stop and start of the VM is one of the keep's."""
    since = guest.source.qmp.mark()
    guest.source.qmp.command("stop")
    expect(guest.source.qmp.command("query-tapkeep")[0], state="frozen")
    guest.source.qmp.command("cont")
    wait_changes(guest.source, since, ("frozen", 1), ("thawed", 1))


def goes_on(guest, since, *reasons):
    """The source says why its target refused, and its guest lives on."""
    source = guest.source
    try:
        guest.scene.wait_migration(source, since)
        raise ktap.Failure("the migration succeeded")
    except MigrationFailed as err:
        ktap.note(err)
        said = source.qmp.command("query-migrate")["error-desc"]
    for reason in ("refused", *reasons):
        ktap.check(reason in said, f"nothing of '{reason}' in '{said}'")
    source.qmp.event("RESUME", MIGRATION_TIMEOUT_S, since)
    wait_changes(source, since, ("frozen", 1), ("offered", 1), ("thawed", 1))


def another_keep(guest):
    """Refused when all was loaded: the target waits for another keep."""
    scene = guest.scene
    with Opened() as opened:
        opened.keep("vm2", opened.queues("tap2", 1))
        target = scene.target(Tapkeep(guest.scenario.vhost, keep="vm2"),
                              "target-vm2")
        expect(target.qmp.command("query-tapkeep")[0], name="vm2",
               owner=False, state="active", generation=1)
        with scene.traffic(rate=RATE) as traffic:
            time.sleep(0.5)
            since = guest.source.qmp.mark()
            guest.migrate(target.channel)
            goes_on(guest, since, "waits for keep 'vm2'", "keep 'vm1'")
            time.sleep(0.5)
            result = traffic.finish()
    nothing_lost(result)
    ktap.check("waits for keep 'vm2'" in told(target, 0),
               "the target's event has another reason")


def spoiled(guest):
    """Refused while it is loaded: a bit has fallen over."""
    target = guest.scene.target(guest.scenario, "target-spoiled")
    path = f"{target.channel}.proxy"

    def spoil(data, fds):
        if HANDOVER_MAGIC in data:
            at = data.index(HANDOVER_MAGIC) + SPOILED_AT
            data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        return data, fds

    proxy = Proxy(path, target.channel, spoil)
    since = guest.source.qmp.mark()
    guest.migrate(path)
    goes_on(guest, since, "net0", "CRC")
    ktap.check("CRC" in told(target, 0), "the target's event says nothing")
    proxy.close()


def swapped(guest):
    """The sequence on both sides, which is all that one has to wait for."""
    source, target = guest.source, guest.scene.target(guest.scenario)
    since, target_since = source.qmp.mark(), target.qmp.mark()
    expect(target.qmp.command("query-tapkeep")[0], owner=False,
           state="active", owner_pid=source.process.pid)
    guest.migrate(target.channel)
    wait_changes(source, since, ("frozen", 1), ("offered", 1),
                 ("handed-over", 2))
    wait_changes(target, target_since, ("claimed", 2), ("thawed", 2))
    expect(source.qmp.command("query-tapkeep")[0], owner=False,
           state="active", generation=2, owner_pid=target.process.pid)
    guest.scene.wait_guest(target)

    since = source.qmp.mark()
    try:
        source.qmp.command("cont")
        raise ktap.Failure("the source goes on as well")
    except QmpError as err:
        ktap.note(err)
    ktap.check(str(target.process.pid) in told(source, since),
               "the event does not say who has it")
    source.quit()
    guest.source = target


def restarted(guest):
    """The first event of a QEMU that has claimed an orphan comes with it."""
    guest.source.kill()
    wait_until(lambda: guest.scene.keep("vm1")["state"] == "orphan", 5,
               "the keep to become an orphan")
    second = guest.scene.start(guest.scenario, "second")
    expect(second.qmp.command("query-tapkeep")[0], owner=True, generation=3)
    guest.scene.wait_guest(second)
    guest.source = second


def taken(guest):
    """Somebody takes the keep by force: the owner hears when it goes on."""
    source = guest.source
    source.qmp.command("stop")
    since = source.qmp.mark()
    with Opened() as opened:
        opened.taken("vm1")
        try:
            source.qmp.command("cont")
            raise ktap.Failure("it goes on with another's keep")
        except QmpError as err:
            ktap.note(err)
        ktap.check("took it over" in told(source, since),
                   "the event has another reason")
        expect(source.qmp.command("query-tapkeep")[0], owner=False,
               state="frozen", generation=4)


TESTS = [
    ("query-tapkeep and info tapkeep say what there is", asked),
    ("stop and cont are events", stopped),
    ("a target that waits for another keep: the source knows why",
     another_keep),
    ("a hand-over that is damaged: the source knows why", spoiled),
    ("a swap is a sequence of events on both sides", swapped),
    ("a restart after a crash is asked for", restarted),
    ("a keep that was taken by force: refused, with the reason", taken),
]


def main():
    with Network() as network, Scene(network) as scene:
        guest = Guest(scene, Tapkeep(vhost=True))
        ktap.main([(name, lambda test=test: test(guest))
                   for name, test in TESTS], guest.report)


main()
