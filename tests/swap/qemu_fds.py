#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A QEMU that may open nothing: a management layer hands descriptors in.

QEMU runs as another user without any capability, and cannot open /dev/net/tun,
/dev/vhost-net or /dev/tapkeep.
"""

import contextlib
import os
import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from hotplug import plug  # noqa: E402
from life import carries, nothing_lost  # noqa: E402
from manage import NOBODY, Opened, as_nobody, for_nobody  # noqa: E402
from qmp import QmpError  # noqa: E402
from vmm import Network, Scene, Tapkeep, tapkeep, wait_until  # noqa: E402

RATE = 250


def words(fds):
    return ":".join(str(fd) for fd in fds)


class Given(Tapkeep):
    """Everything is open when QEMU starts."""

    def __init__(self, queues=1, **options):
        super().__init__(vhost=True, queues=queues)
        self.given = options

    def netdev(self, incoming):
        return ",".join(["tap,id=net0,vhost=on", f"tapkeep={self.keep}",
                         *(f"{name}={value}"
                           for name, value in self.given.items())])


def start(scene, name, scenario, opened, **options):
    """Start a QEMU that is the only one to have these descriptors then."""
    vmm = scene.start(scenario, name, process=as_nobody(opened), **options)
    with open(f"/proc/{vmm.process.pid}/status", encoding="ascii") as file:
        status = dict(line.split(":\t") for line in file.read().splitlines())
    ktap.check(status["Uid"].split()[1] == str(NOBODY) and
               int(status["CapEff"], 16) == 0, f"it is privileged: {status}")
    return vmm


def boot(scene, scenario, opened, name="source", **options):
    vmm = start(scene, name, scenario, opened, **options)
    if scenario.source_tap not in os.listdir("/sys/class/net/br0/brif"):
        scene.network.attach(scenario.source_tap)
    scene.wait_guest(vmm)
    return vmm


def swap(scene, source, target):
    target.prepare_migration()
    target.listen()
    with scene.traffic(rate=RATE) as traffic:
        time.sleep(1)
        scene.swap(source, target, burst=traffic)
        time.sleep(1)
        result = traffic.finish()
    nothing_lost(result)
    ktap.check(result["bursts"] == 1, "no burst was sent")


def expect(keep, **values):
    for key, value in values.items():
        ktap.check(keep.get(key) == value,
                   f"{key} is {keep.get(key)!r}, not {value!r}: {keep}")


def device_given(queues):
    """The keep is created, handed over and claimed by that user."""
    options = {"cpus": min(queues, 2), "channels": queues if queues > 1 else 0}
    with Network() as network, Scene(network) as scene:
        for_nobody(scene)
        with Opened() as opened:
            scenario = Given(queues, fds=words(opened.queues("tap0", queues)),
                             vhostfds=words(opened.vhosts(queues)),
                             tapkeepfd=opened.device())
            source = boot(scene, scenario, opened, **options)
        expect(scene.keep("vm1"), state="active", generation=1, uid=NOBODY,
               owner_pid=source.process.pid, nr_queues=queues)

        with Opened() as opened:
            given = {"vhostfds": words(opened.vhosts(queues)),
                     "tapkeepfd": opened.device()}
            if queues > 1:
                # It has no use for these, and closes them.
                given["fds"] = words(opened.queues("tap0", queues))
            target = start(scene, "target", Given(queues, **given), opened,
                           incoming=True, **options)
        swap(scene, source, target)
        expect(scene.keep("vm1"), generation=2, owner_pid=target.process.pid)


def handle_given():
    """The keep is the management layer's, and QEMU cannot even look at it."""
    with Network() as network, Scene(network) as scene:
        for_nobody(scene)
        with Opened() as opened, Opened() as mine:
            handle = opened.keep("vm1", mine.queues("tap0", 1))
            scenario = Given(tapkeepfd=handle,
                             vhostfds=words(opened.vhosts(1)))
            source = boot(scene, scenario, opened)
        expect(scene.keep("vm1"), state="active", generation=1, uid=0)
        keep, = source.qmp.command("query-tapkeep")
        ktap.check(keep["owner"] and keep["queues"] == 1, keep)

        with Opened() as opened:
            scenario = Given(vhostfds=words(opened.vhosts(1)))
            target = start(scene, "target", scenario, opened, incoming=True)
        keep, = target.qmp.command("query-tapkeep")
        ktap.check(not keep["owner"] and "state" not in keep, keep)
        swap(scene, source, target)
        expect(scene.keep("vm1"), state="active", generation=2, uid=0,
               owner_pid=target.process.pid)
        target.kill()
        wait_until(lambda: scene.keep("vm1")["state"] == "orphan", 5,
                   "the keep to become an orphan")


def restarted():
    """It dies, and the next one claims the orphan as the same user."""
    with Network() as network, Scene(network) as scene:
        for_nobody(scene)
        with Opened() as opened:
            queue, = opened.queues("tap0", 1)
            source = boot(scene, Given(fds=queue, tapkeepfd=opened.device(),
                                       vhostfds=words(opened.vhosts(1))),
                          opened)
        source.kill()
        wait_until(lambda: scene.keep("vm1")["state"] == "orphan", 5,
                   "the keep to become an orphan")

        with Opened() as opened:
            second = boot(scene, Given(tapkeepfd=opened.device(),
                                       vhostfds=words(opened.vhosts(1))),
                          opened, "second")
        expect(scene.keep("vm1"), state="active", generation=2, uid=NOBODY,
               owner_pid=second.process.pid)
        carries(scene)


def by_name():
    """The NIC is plugged into a QEMU that runs, which knows names by getfd."""
    with Network() as network, Scene(network) as scene:
        for_nobody(scene)
        scenario = Given(fds="the-queue", vhostfds="its-vhost",
                         tapkeepfd="the-device")
        with Opened() as nothing:
            vmm = start(scene, "source", scenario, nothing, paused=True,
                        plugged=False)
        with Opened() as opened:
            for name, fd in (("the-queue", opened.queues("tap0", 1)[0]),
                             ("its-vhost", opened.vhosts(1)[0]),
                             ("the-device", opened.device())):
                with os.fdopen(os.dup(fd), "rb", 0) as file:
                    vmm.qmp.give(name, file)
        plug(vmm)
        expect(scene.keep("vm1"), state="active", generation=1, uid=NOBODY,
               owner_pid=vmm.process.pid)
        network.attach("tap0")
        vmm.qmp.command("cont")
        scene.wait_guest(vmm)
        carries(scene)


def refused(scene, scenario, opened, reason, **options):
    with contextlib.suppress(QmpError):
        scene.start(scenario, "refused", process=as_nobody(opened), **options)
        raise ktap.Failure(f"it was not refused: {scenario.given}")
    said = scene.vmms[-1].said()
    ktap.note(said)
    ktap.check(reason in said, f"nothing of '{reason}'")


def wrong_ones():
    """What is no right to the keep is refused, and nothing is changed."""
    with Network() as network, Scene(network) as scene:
        for_nobody(scene)
        with Opened() as opened:
            queue, = opened.queues("tap9", 1)
            other = opened.keep("vm2", [queue])
            refused(scene, Given(tapkeepfd=other), opened,
                    "keep 'vm2', not of keep 'vm1'")
            refused(scene, Given(tapkeepfd=queue), opened,
                    "not a handle or an offer")
            refused(scene, Given(tapkeepfd=other), opened,
                    "the target of a migration takes no other", incoming=True)
            ktap.check(scene.keep("vm1") is None, "there is a keep")
            expect(scene.keep("vm2"), state="active", generation=1)
            tapkeep("release", "vm2")


ktap.main([
    ("the device by descriptor: created, and swapped, unprivileged",
     lambda: device_given(1)),
    ("the same with four queues", lambda: device_given(4)),
    ("a handle by descriptor: swapped by a user that cannot look at the keep",
     handle_given),
    ("killed, and restarted on the orphan, unprivileged", restarted),
    ("descriptors by names of getfd, for a NIC that is plugged in", by_name),
    ("descriptors that are no right to the keep are refused", wrong_ones),
])
