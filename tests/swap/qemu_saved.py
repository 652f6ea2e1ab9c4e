#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""State saved to a file: for some seconds no QEMU runs, and nothing is lost.

The keep of the QEMU that saved and quit is an orphan, which holds what arrives
until another QEMU has loaded the file.
"""

import contextlib
import os
import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from life import carries, nothing_lost  # noqa: E402
from qmp import QmpError, event_time  # noqa: E402
from refusals import fails  # noqa: E402
from vmm import (MIGRATION_TIMEOUT_S, Local, MigrationFailed,  # noqa: E402
                 Network, Scene, Tapkeep, run, wait_until)

RATE = 250
# With a burst these are more packets than a ring has slots.
PAUSE_S, BURST = 3, 1500


def prepare(vmm, local=True):
    """Nobody answers from a file: without the return path."""
    vmm.qmp.command("migrate-set-capabilities", {"capabilities": [
        {"capability": name, "state": True}
        for name in ("events", "x-ignore-shared")]})
    vmm.qmp.command("migrate-set-parameters", {"local": local})


def begin_save(vmm, path):
    """Return: since when to look for events."""
    since = vmm.qmp.mark()
    prepare(vmm)
    vmm.qmp.command("migrate", {"uri": f"file:{path}"})
    return since


def save(vmm, path):
    since = begin_save(vmm, path)
    vmm.scene.wait_migration(vmm, since)
    ktap.check(vmm.status() == "postmigrate", f"it is {vmm.status()}")


def begin_load(scene, scenario, path, name="target", **options):
    vmm = scene.start(scenario, name, incoming=True, **options)
    prepare(vmm)
    vmm.qmp.command("migrate-incoming", {"uri": f"file:{path}"})
    return vmm


def refuses(scene, scenario, path, name, *reasons):
    """The load fails, and says why; the keep is left as it is."""
    before = scene.keep("vm1")
    with contextlib.suppress(QmpError):
        begin_load(scene, scenario, path, name)
    vmm = scene.vmms[-1]
    wait_until(lambda: not vmm.alive(), 20, "the target to give up")
    said = vmm.said()
    ktap.note(said)
    for reason in reasons:
        ktap.check(reason in said, f"nothing of '{reason}'")
    after = scene.keep("vm1")
    for key in ("state", "generation", "owner_pid"):
        ktap.check(before.get(key) == after.get(key),
                   f"the keep has changed: {before}, {after}")


def expect(keep, **values):
    for key, value in values.items():
        ktap.check(keep.get(key) == value,
                   f"{key} is {keep.get(key)!r}, not {value!r}: {keep}")


def no_overlap(vhost, queues=1):
    """Traffic, and a burst, into a pause of seconds."""
    with Network() as network, Scene(network) as scene:
        scenario = Tapkeep(vhost, queues)
        options = {"cpus": 2 if queues > 1 else 1,
                   "channels": queues if queues > 1 else 0}
        path = scene.path("state")
        source = scene.boot(scenario, **options)
        with scene.traffic(rate=RATE, burst=BURST) as traffic:
            time.sleep(1)
            traffic.burst_on_stop(source)
            save(source, path)
            stop = event_time(source.qmp.event("STOP", 1))
            source.quit()
            expect(scene.keep("vm1"), state="orphan", generation=1)
            time.sleep(PAUSE_S)
            keep = scene.keep("vm1")
            target = begin_load(scene, scenario, path, **options)
            resume = target.qmp.event("RESUME", MIGRATION_TIMEOUT_S)
            time.sleep(1.5)
            result = traffic.finish()
        ktap.note(f"pause_ms={(event_time(resume) - stop) * 1000:.0f} "
                  f"state_bytes={os.path.getsize(path)} "
                  f"sent={result['to_guest']['sent']} "
                  f"lost={result['to_guest']['lost']} keep: {keep}")
        nothing_lost(result)
        ktap.check(result["bursts"] == 1, "no burst was sent")
        expect(scene.keep("vm1"), state="active", generation=2,
               owner_pid=target.process.pid, dropped=0)
        carries(scene)


def goes_on_instead(scene, scenario, source):
    """Who saved may go on, as if nothing had been."""
    path = scene.path("first")
    with scene.traffic(rate=RATE) as traffic:
        time.sleep(0.5)
        save(source, path)
        refuses(scene, scenario, path, "too-early", "live owner",
                str(source.process.pid))
        source.qmp.command("cont")
        time.sleep(1)
        result = traffic.finish()
    nothing_lost(result)
    expect(scene.keep("vm1"), state="active", generation=1,
           owner_pid=source.process.pid)
    return os.path.getsize(path)


def goes_on_and_dies(scene, scenario, source):
    """What is saved is no good any more when somebody has read again."""
    path = scene.path("stale")
    save(source, path)
    source.qmp.command("cont")
    source.kill()
    wait_until(lambda: scene.keep("vm1")["state"] == "orphan", 5,
               "the keep to become an orphan")
    refuses(scene, scenario, path, "stale", "TAPKEEP_STATE_STOPPED")


def disk_full(scene, source, size):
    """A save that fails at its end: the guest goes on at once."""
    where = scene.path("small")
    os.mkdir(where)
    run("mount", "-t", "tmpfs", "-o", f"size={size - 8192}", "tapkeep", where)
    try:
        with scene.traffic(rate=RATE) as traffic:
            time.sleep(0.5)
            since = begin_save(source, os.path.join(where, "state"))
            ktap.note(fails(source, since))
            source.qmp.event("RESUME", MIGRATION_TIMEOUT_S, since)
            time.sleep(1)
            result = traffic.finish()
    finally:
        run("umount", where)
    nothing_lost(result)
    expect(scene.keep("vm1"), state="active", generation=1)


def second_thoughts():
    """The ways that it does not go, with one guest that survives them all."""
    with Network() as network, Scene(network) as scene:
        scenario = Tapkeep(vhost=True)
        source = scene.boot(scenario)
        size = goes_on_instead(scene, scenario, source)
        disk_full(scene, source, size)
        goes_on_and_dies(scene, scenario, source)

        # What is in the guest's memory is newer than the file: boot it again.
        second = scene.start(scenario, "second")
        scene.wait_guest(second)
        path = scene.path("state")
        save(second, path)
        second.quit()
        third = scene.start(scenario, "third", paused=True)
        third.kill()
        wait_until(lambda: scene.keep("vm1")["state"] == "orphan", 5,
                   "the keep to become an orphan")
        refuses(scene, scenario, path, "late", "generation 3",
                "generation 2", "release vm1")


def keep_has_ended():
    """The guest outlives the keep, on a TAP that is opened for it."""
    with Network() as network, Scene(network) as scene:
        scenario = Tapkeep(vhost=True)
        path = scene.path("state")
        source = scene.boot(scenario)
        save(source, path)
        source.quit()
        scene.release_keeps()
        target = scene.start(scenario, "target", incoming=True)
        network.attach(scenario.target_tap)
        prepare(target)
        target.qmp.command("migrate-incoming", {"uri": f"file:{path}"})
        target.qmp.event("RESUME", MIGRATION_TIMEOUT_S)
        said = target.said()
        ktap.note(said)
        ktap.check("what it held is lost" in said, "it does not say so")
        scene.wait_guest(target)
        expect(scene.keep("vm1"), state="active", generation=1,
               owner_pid=target.process.pid)
        carries(scene)


def without_a_keep():
    """Descriptors cannot be saved: refused before the guest stops."""
    with Network() as network, Scene(network) as scene:
        source = scene.boot(Local(vhost=False))
        since = source.qmp.mark()
        prepare(source)
        try:
            source.qmp.command("migrate",
                               {"uri": f"file:{scene.path('state')}"})
            scene.wait_migration(source, since)
            raise ktap.Failure("it was saved")
        except (QmpError, MigrationFailed) as err:
            ktap.note(err)
            ktap.check("net0" in str(err) and "tapkeep" in str(err),
                       "the error does not say what is missing")
        ktap.check("STOP" not in source.qmp.names()[since:],
                   "the guest was stopped")
        ktap.check(source.status() == "running", f"it is {source.status()}")


ktap.main([
    ("vhost off: state in a file, no QEMU for seconds, nothing lost",
     lambda: no_overlap(False)),
    ("vhost on: state in a file, no QEMU for seconds, nothing lost",
     lambda: no_overlap(True)),
    ("four queues: state in a file, no QEMU for seconds, nothing lost",
     lambda: no_overlap(True, 4)),
    ("an owner that lives or went on, a full disk, another owner: refused",
     second_thoughts),
    ("the keep has ended: the guest goes on with a new TAP", keep_has_ended),
    ("without tapkeep= a file is refused, and the guest does not stop",
     without_a_keep),
])
