#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Swap a NIC with four queues, step by step as a management tool would.

Source and target start with -S, the netdev and the NIC are plugged in by QMP
once the parameter is set, and the target stays paused until "cont".
"""

import subprocess
import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from hotplug import hotplugged  # noqa: E402
from life import nothing_lost  # noqa: E402
from vmm import (GUEST_ADDRESS, MIGRATION_TIMEOUT_S, Local,  # noqa: E402
                 Network, Reopen, Scene, Tapkeep, losses, wait_until)

QUEUES = 4
FLOWS = 8
RATE = 240
# Far more than any swap takes, also on a busy emulated machine.
LONGEST_GAP_MS = 2000


def ping():
    """From the host to the guest: replies are the other direction."""
    done = subprocess.run(["ping", "-c", "3", "-i", "0.2", "-W", "2",
                           GUEST_ADDRESS], capture_output=True, text=True,
                          timeout=20, check=False)
    ktap.check(done.returncode == 0, f"no reply to ping: {done.stdout}")


def check_gaps(result):
    for direction in ("to_guest", "from_guest"):
        gap = result[direction]["gap_ms"]
        ktap.note(f"{direction}: {result[direction]['sent']} sent, longest "
                  f"gap {gap:.0f} ms")
        ktap.check(gap <= LONGEST_GAP_MS, f"{direction}: a gap of {gap} ms")


def swap(scenario, lossless):
    with Network() as network, Scene(network) as scene:
        source = hotplugged(scene, scenario, "source", incoming=False)
        network.attach(scenario.source_tap)
        source.qmp.command("cont")
        scene.wait_guest(source)

        target = hotplugged(scene, scenario, "target", incoming=True)
        if scenario.target_tap != scenario.source_tap:
            network.attach(scenario.target_tap)
        target.listen()
        with scene.traffic(rate=RATE, flows=FLOWS, burst=1500) as traffic:
            time.sleep(1)
            since = source.qmp.mark()
            if lossless:
                traffic.burst_on_stop(source)
            source.qmp.command("migrate", {"uri": f"unix:{target.channel}"})
            scene.wait_migration(source, since)
            wait_until(lambda: target.status() == "paused",
                       MIGRATION_TIMEOUT_S, "the target to be paused")
            ktap.check(source.status() == "postmigrate",
                       f"the source is {source.status()}")
            target.qmp.command("cont")
            time.sleep(1.5)
            result = traffic.finish()
        check_gaps(result)
        if lossless:
            nothing_lost(result)
        ktap.check(result["tcp_survived"], f"TCP: {result['tcp_error']}")
        source.quit()
        ping()
        with scene.traffic(rate=RATE, flows=FLOWS) as traffic:
            time.sleep(1)
            result = traffic.finish()
        ktap.check(not losses(result), f"afterwards: {losses(result)}")


ktap.main([
    (f"{QUEUES} queues, tapkeep, vhost off: nothing lost",
     lambda: swap(Tapkeep(False, QUEUES), lossless=True)),
    (f"{QUEUES} queues, tapkeep, vhost on: nothing lost",
     lambda: swap(Tapkeep(True, QUEUES), lossless=True)),
    (f"{QUEUES} queues, local, vhost off",
     lambda: swap(Local(False, QUEUES), lossless=False)),
    (f"{QUEUES} queues, local, vhost on",
     lambda: swap(Local(True, QUEUES), lossless=False)),
    (f"{QUEUES} queues, a second TAP: works as before",
     lambda: swap(Reopen(True, QUEUES), lossless=False)),
])
