# SPDX-License-Identifier: GPL-2.0-or-later
"""Swaps of a NIC with a keep that fail, under traffic: the source goes on."""

import time

import ktap
from life import nothing_lost
from proxy import Proxy
from qmp import event_time
from refusals import begin, fails, never_stopped
from vmm import MIGRATION_TIMEOUT_S, wait_until

RATE = 250
HANDOVER_MAGIC = b"TAPKEEP\x1a"
# Longer than sending the burst takes.
BURST_S = 0.1


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

    def __init__(self, scene, scenario, **options):
        self.scene = scene
        self.scenario = scenario
        self.options = options
        self.source = scene.boot(scenario, **options)

    def target(self, name):
        return self.scene.target(self.scenario, name, **self.options)

    def report(self):
        ktap.note(self.scene.report())

    def swap(self):
        """What failed before is no obstacle."""
        target = self.target("last")
        with self.scene.traffic(rate=RATE) as traffic:
            time.sleep(1)
            self.scene.swap(self.source, target, burst=traffic)
            time.sleep(1)
            result = traffic.finish()
        nothing_lost(result)
        keep = self.scene.keep("vm1")
        ktap.check(keep["generation"] == 2
                   and keep["owner_pid"] == target.process.pid,
                   f"the keep is not the target's: {keep}")


class Rollback:
    """One swap that fails, under traffic."""
    stops = True

    def __call__(self, guest):
        source = guest.source
        target = self.new_target(guest, f"target-{type(self).__name__}-"
                                 f"{len(guest.scene.vmms)}")
        with guest.scene.traffic(rate=RATE) as traffic:
            time.sleep(1)
            if self.stops:
                traffic.burst_on_stop(source)
            self.fail(source, target)
            time.sleep(1)
            result = traffic.finish()
        target.kill()
        nothing_lost(result)
        ktap.check(result["bursts"] == int(self.stops), "no burst was sent")

    def new_target(self, guest, name):
        return guest.target(name)

    def fail(self, source, target):
        raise NotImplementedError


class Spoiled(Rollback):
    """Somebody in the middle of the channel, who waits for a mark."""
    mark = HANDOVER_MAGIC
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
        (goes_on if self.stops else never_stopped)(source, since)
        ktap.check(self.seen, "the mark was not seen")
        wait_until(lambda: not target.alive(), 20,
                   "the target to give the spoiled stream up")
        said = target.said()
        ktap.note(f"the target said: {said}")
        ktap.check(self.reason in said, f"nothing of '{self.reason}'")
        proxy.close()

    def filter(self, data, fds):
        if self.seen or self.mark not in data:
            return data, fds
        self.seen = True
        # The guest goes on at once when this fails, and a burst that still
        # lasts then may overflow the usual ring, as it may without a swap.
        time.sleep(BURST_S)
        return self.spoil(data, fds, data.index(self.mark))

    def spoil(self, data, fds, at):
        raise NotImplementedError
