# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMUs that get their NIC by QMP, as a management tool gives it to them."""

from vmm import CAPABILITIES, GUEST_MAC


def plug(vmm, vectors=None):
    """netdev_add and device_add, as objects of QMP."""
    queues = vmm.scenario.queues
    options = vmm.scenario.netdev(vmm.incoming).split(",")
    netdev = {"type": options[0]}
    for option in options[1:]:
        key, _, value = option.partition("=")
        netdev[key] = {"on": True, "off": False}.get(
            value, int(value) if key == "queues" else value)
    vmm.qmp.command("netdev_add", netdev)
    vmm.qmp.command("device_add", {
        "driver": "virtio-net-pci", "netdev": "net0", "mac": GUEST_MAC,
        "id": "nic0", "romfile": "", "mq": queues > 1,
        "vectors": vectors or 2 * queues + 2, "bus": "pci.0", "addr": "4"})


def hotplugged(scene, scenario, name, incoming, vectors=None,
               capabilities=CAPABILITIES, **options):
    """With -S, the parameter set first, and two processors."""
    vmm = scene.start(scenario, name, incoming=incoming, paused=True, cpus=2,
                      channels=scenario.queues, plugged=False, **options)
    vmm.prepare_migration(capabilities=capabilities)
    plug(vmm, vectors)
    return vmm
