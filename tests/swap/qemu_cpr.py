#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's own live update, mode cpr-transfer, with tapkeep=.

The guest's RAM is a memfd, which the CPR channel takes to the target before
the guest stops. The queues and the offer come by the main channel, as in a
swap: an offer can only be made of a frozen keep.
"""

import json
import os
import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from life import nothing_lost  # noqa: E402
from proxy import Proxy  # noqa: E402
from qmp import event_time  # noqa: E402
from refusals import fails  # noqa: E402
from rollback import HANDOVER_MAGIC  # noqa: E402
from vmm import (GUEST_MEMORY_MB, MIGRATION_TIMEOUT_S,  # noqa: E402
                 Network, Scene, Tapkeep, Vmm, wait_until)

RATE = 250
CONNECT_TIMEOUT_S = 20


def channel(kind, path):
    return {"channel-type": kind, "addr": {
        "transport": "socket", "type": "unix", "path": path}}


class Cpr(Vmm):
    """A QEMU that can be source or target of a cpr-transfer."""

    def ram(self):
        return f"memory-backend-memfd,id=ram,size={GUEST_MEMORY_MB}M," \
               "share=on,hugetlb=on,hugetlbsize=2M,prealloc=on"

    def paths(self):
        return {kind: self.scene.path(f"{self.name}.{kind}")
                for kind in ("main", "cpr")}

    def waits(self):
        return [word for kind, path in self.paths().items()
                for word in ("-incoming", json.dumps(channel(kind, path)))]

    def command(self):
        return super().command() + ["-machine", "aux-ram-share=on",
                                    "-global", "migration.local=on"]

    def connect(self):
        # The target has no monitor before it was told about its RAM.
        return self if self.incoming else super().connect()


def start_transfer(source, target, **paths):
    """@paths: other ones for channels, by name."""
    wait_until(lambda: os.path.exists(target.paths()["cpr"]),
               CONNECT_TIMEOUT_S, "the target's CPR channel")
    source.qmp.command("migrate-set-capabilities", {"capabilities": [
        {"capability": "events", "state": True}]})
    source.qmp.command("migrate-set-parameters", {"mode": "cpr-transfer"})
    since = source.qmp.mark()
    source.qmp.command("migrate", {"channels": [
        channel(kind, path)
        for kind, path in {**target.paths(), **paths}.items()]})
    return since


def transfer(vhost):
    with Network() as network, Scene(network) as scene:
        scenario = Tapkeep(vhost)
        source = scene.boot(scenario, kind=Cpr)
        target = scene.start(scenario, "target", kind=Cpr, incoming=True)
        with scene.traffic(rate=RATE) as traffic:
            time.sleep(1)
            traffic.burst_on_stop(source)
            since = start_transfer(source, target)
            scene.wait_migration(source, since)
            super(Cpr, target).connect()
            wait_until(lambda: target.status() == "running",
                       MIGRATION_TIMEOUT_S, "the target to run")
            stop = source.qmp.event("STOP", 1, since)
            done = source.qmp.event(
                "NETDEV_TAPKEEP", 10, since,
                lambda event: event["data"]["change"] == "handed-over")
            ktap.note(f"handed over {(event_time(done) - event_time(stop)) * 1000:.0f}"
                      " ms after STOP")
            source.quit()
            time.sleep(1)
            result = traffic.finish()
        nothing_lost(result)
        ktap.check(result["bursts"] == 1, "no burst was sent")
        keep = scene.keep("vm1")
        ktap.check(keep["generation"] == 2 and keep["state"] == "active" and
                   keep["owner_pid"] == target.process.pid, keep)


def target_dies():
    """Killed when it has the RAM and not yet the keep: the source goes on."""
    with Network() as network, Scene(network) as scene:
        scenario = Tapkeep(vhost=True)
        source = scene.boot(scenario, kind=Cpr)
        target = scene.start(scenario, "target", kind=Cpr, incoming=True)

        def killed(data, fds):
            if HANDOVER_MAGIC in data:
                target.process.kill()
            return data, fds

        with scene.traffic(rate=RATE) as traffic:
            time.sleep(0.5)
            path = scene.path("proxy")
            proxy = Proxy(path, target.paths()["main"], killed)
            since = start_transfer(source, target, main=path)
            ktap.note(fails(source, since))
            source.qmp.event("RESUME", MIGRATION_TIMEOUT_S, since)
            proxy.close()
            time.sleep(1)
            result = traffic.finish()
        nothing_lost(result)
        keep = scene.keep("vm1")
        ktap.check(keep["generation"] == 1 and keep["state"] == "active",
                   keep)


ktap.main([
    ("cpr-transfer, vhost off: nothing lost", lambda: transfer(False)),
    ("cpr-transfer, vhost on: nothing lost", lambda: transfer(True)),
    ("cpr-transfer, the target dies: the source goes on", target_dies),
])
