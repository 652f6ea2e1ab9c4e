#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The parameter 'local': set, queried, and refused before the guest stops."""

import socket
import sys

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from hotplug import plug  # noqa: E402
from refusals import does_not_start, fails, refused, says  # noqa: E402
from vmm import Local, Network, Reopen, Scene  # noqa: E402

NO_UNIX = "requires a Unix domain socket"


class Opened(Local):
    """A target that is given what only a source needs."""

    def __init__(self, *options, tap="tap1"):
        super().__init__(vhost=True)
        self.given = options
        self.source_tap = tap

    def netdev(self, incoming):
        return self.options("script=no", "downscript=no", *self.given,
                            "x-permit-local-migration=on")

    def extra(self):
        return []


def hmp(vmm, line):
    return vmm.qmp.command("human-monitor-command", {"command-line": line})


def queried(vmm):
    """By QMP and by HMP, which agree."""
    value = vmm.qmp.command("query-migrate-parameters")["local"]
    text = hmp(vmm, "info migrate_parameters")
    ktap.check(f"local: {'on' if value else 'off'}" in text, text)
    return value


def is_a_parameter(scene):
    vmm = scene.start(Reopen(vhost=False), "idle", paused=True)
    ktap.check(queried(vmm) is False, "it is on")
    vmm.qmp.command("migrate-set-parameters", {"local": True})
    ktap.check(queried(vmm) is True, "QMP did not switch it on")
    hmp(vmm, "migrate_set_parameter local off")
    ktap.check(queried(vmm) is False, "HMP did not switch it off")
    hmp(vmm, "migrate_set_parameter local on")
    ktap.check(queried(vmm) is True, "HMP did not switch it on")
    said = hmp(vmm, "migrate_set_parameter local perhaps")
    says(said, "local")
    ktap.check(queried(vmm) is True, "a wrong value changed it")
    vmm.quit()


def runs_on(source, since):
    """It was refused while the guest was running."""
    ktap.check("STOP" not in source.qmp.names()[since:], "it was stopped")
    ktap.check(source.status() == "running", f"it is {source.status()}")
    source.scene.wait_guest(source, 10)


def no_unix_socket(source):
    since = source.qmp.mark()
    source.prepare_migration()
    for uri in "tcp:127.0.0.1:4444", "exec:cat >/dev/null":
        refused(NO_UNIX, source.qmp.command, "migrate", {"uri": uri})
    runs_on(source, since)


def no_unix_socket_by_descriptor(source):
    """What a descriptor is shows when it is used, and that is early enough."""
    since = source.qmp.mark()
    source.prepare_migration()
    with socket.create_server(("127.0.0.1", 0)) as listener, \
            socket.create_connection(listener.getsockname()) as connection:
        source.qmp.give("channel", connection)
        source.qmp.command("migrate", {"uri": "fd:channel"})
        says(fails(source, since), NO_UNIX)
    runs_on(source, since)


def target_listens_on_tcp(scene):
    target = scene.start(Local(vhost=True), "tcp", incoming=True)
    target.prepare_migration()
    refused(NO_UNIX, target.qmp.command, "migrate-incoming",
            {"uri": "tcp:127.0.0.1:4444"})
    target.quit()


def postcopy(source):
    since = source.qmp.mark()
    source.prepare_migration()
    # They exclude each other.
    source.capability("x-ignore-shared", False)
    source.capability("postcopy-ram")
    refused("postcopy", source.qmp.command, "migrate", {"uri": "unix:/none"})
    source.capability("postcopy-ram", False)
    runs_on(source, since)


def wrong_nic(scene):
    vmm = scene.start(Local(vhost=False), "e1000", nic="e1000")
    vmm.prepare_migration()
    refused(["net0", "e1000", "only virtio-net"], vmm.qmp.command, "migrate",
            {"uri": "unix:/none"})
    ktap.check(vmm.status() == "running", f"it is {vmm.status()}")
    vmm.quit()


def no_nic(scene):
    vmm = scene.start(Local(vhost=False), "lone", plugged=False)
    vmm.qmp.command("netdev_add", {
        "type": "tap", "id": "net0", "ifname": "tap3", "script": "no",
        "downscript": "no", "x-permit-local-migration": True})
    vmm.prepare_migration()
    refused(["net0", "without a NIC"], vmm.qmp.command, "migrate",
            {"uri": "unix:/none"})
    vmm.quit()


def given_to_a_target(scene):
    """On the command line: a TAP that is none of its own, and more."""
    for options in (["vnet_hdr=on"], ["vhostfds=3"]):
        does_not_start("invalid for the target of a local migration", scene,
                       Opened(*options), "given", incoming=True)


def plugged_into_a_target(scene):
    target = scene.start(Local(vhost=True), "plugged", incoming=True,
                         paused=True, plugged=False)
    target.prepare_migration()
    for options in (["ifname=tap1"], ["vnet_hdr=on"], ["fds=3:4"], ["fd=3"],
                    ["helper=/bin/true"], ["vhostfds=3"]):
        target.scenario = Opened(*options)
        ktap.note(options)
        refused("invalid for the target of a local migration", plug, target)
    target.scenario = Local(vhost=True)
    plug(target)
    said = hmp(target, "info network")
    says(said, "waits for a local migration")
    target.quit()


def alone(network, test):
    """With a directory and RAM of its own, for QEMUs that no guest needs."""
    def run():
        with Scene(network) as scene:
            test(scene)
    return run


class Guest:
    """One that runs through all that is refused."""

    def __init__(self, network):
        self.scene = Scene(network)
        self.source = None

    def with_it(self, test):
        def run():
            if not self.source:
                self.source = self.scene.boot(Local(vhost=True))
            test(self.source)
        return run

    def report(self):
        ktap.note(self.scene.report())


def main():
    with Network() as network:
        guest = Guest(network)
        with guest.scene:
            ktap.main([
                ("local is a parameter, of QMP and HMP, off by default",
                 alone(network, is_a_parameter)),
                ("a target listens on nothing but a Unix socket",
                 alone(network, target_listens_on_tcp)),
                ("a NIC that cannot hand over: refused before the guest stops",
                 alone(network, wrong_nic)),
                ("a netdev without a NIC: refused", alone(network, no_nic)),
                ("a target's TAP is given nothing on the command line",
                 alone(network, given_to_a_target)),
                ("a target's TAP is given nothing by netdev_add",
                 alone(network, plugged_into_a_target)),
                ("no Unix socket: refused before the guest stops",
                 guest.with_it(no_unix_socket)),
                ("a descriptor that is no Unix socket: the same",
                 guest.with_it(no_unix_socket_by_descriptor)),
                ("postcopy: refused before the guest stops",
                 guest.with_it(postcopy)),
            ], guest.report)


main()
