#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A QEMU that dies: the keep, the interface and the next QEMU."""

import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from life import carries, nothing_lost  # noqa: E402
from vmm import (Network, Scene, Tapkeep, interface_exists, run,  # noqa: E402
                 wait_until)

RATE = 250


def expect(keep, **values):
    for key, value in values.items():
        ktap.check(keep.get(key) == value,
                   f"{key} is {keep.get(key)!r}, not {value!r}: {keep}")


def restart(vhost):
    """Killed while running: an orphan, which the same command line claims."""
    with Network() as network, Scene(network) as scene:
        scenario = Tapkeep(vhost)
        source = scene.boot(scenario)
        carries(scene)
        index = interface_index()
        expect(scene.keep("vm1"), state="active", generation=1,
               owner_pid=source.process.pid)

        source.kill()
        wait_until(lambda: scene.keep("vm1")["state"] == "orphan", 5,
                   "the keep to become an orphan")
        keep = scene.keep("vm1")
        ktap.note(keep)
        expect(keep, generation=1, ifname="tap0")
        ktap.check("owner_pid" not in keep, f"it has an owner: {keep}")
        ktap.check(keep.get("lease_left_ms", 0) > 0, f"it has no lease: {keep}")
        ktap.check("state UP" in run("ip", "link", "show", "dev", "tap0")
                   or "LOWER_UP" in run("ip", "link", "show", "dev", "tap0"),
                   run("ip", "link", "show", "dev", "tap0"))

        second = scene.start(scenario, "second")
        scene.wait_guest(second)
        expect(scene.keep("vm1"), state="active", generation=2,
               owner_pid=second.process.pid)
        ktap.check(interface_index() == index, "it is another interface")
        carries(scene)
        second.quit()
        wait_until(lambda: not interface_exists("tap0"), 10,
                   "the interface to go with a QEMU that quits")
        ktap.check(scene.keep("vm1") is None, f"left: {scene.keep('vm1')}")


def interface_index():
    with open("/sys/class/net/tap0/ifindex", encoding="ascii") as file:
        return int(file.read())


def after_a_swap():
    """A source that is killed then changes nothing; a target does."""
    with Network() as network, Scene(network) as scene:
        scenario = Tapkeep(vhost=True)
        source = scene.boot(scenario)
        target = scene.target(scenario)
        with scene.traffic(rate=RATE) as traffic:
            time.sleep(1)
            scene.swap(source, target, burst=traffic)
            source.kill()
            time.sleep(1)
            result = traffic.finish()
        nothing_lost(result)
        expect(scene.keep("vm1"), state="active", generation=2,
               owner_pid=target.process.pid)

        target.kill()
        third = scene.start(scenario, "third")
        scene.wait_guest(third)
        carries(scene)
        expect(scene.keep("vm1"), state="active", generation=3,
               owner_pid=third.process.pid)


ktap.main([
    ("vhost off: the keep of a killed QEMU is an orphan until the next claims",
     lambda: restart(False)),
    ("vhost on: the keep of a killed QEMU is an orphan until the next claims",
     lambda: restart(True)),
    ("after a swap the source's death changes nothing, the target's does",
     after_a_swap),
])
