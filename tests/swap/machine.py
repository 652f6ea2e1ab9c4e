# SPDX-License-Identifier: GPL-2.0-or-later
"""What the machine that runs the QEMUs needs, besides programs.

Large pages for the guest's RAM: a QEMU that takes over has empty page tables,
and every page that the guest touches then costs a fault. With 4 KiB pages
these faults are most of a short stop, and of what comes after it.

And no kernel code that changes under way: the kernel patches its own code when
the first KVM vCPU without an enabled APIC appears or the last one goes, and
likewise with sockets that want time stamps. A machine that is emulated with
several threads does not always get that right: another processor runs a
breakpoint that is no longer there, and the kernel dies ("Oops: int3") or just
stops. So one of each stays open while the tests run.
"""

import fcntl
import functools
import os
import pathlib
import socket

KVM_CREATE_VM, KVM_CREATE_VCPU, KVM_CREATE_IRQCHIP = 0xAE01, 0xAE41, 0xAE60
SO_TIMESTAMPNS = 35
HUGE_DIR = "/run/tapkeep-huge"
HUGE_PAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
HUGE_PAGE_MB = 2


class MachineError(Exception):
    """It has not what is needed."""


def _kvm():
    try:
        return os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError as err:
        raise MachineError(f"/dev/kvm: {err.strerror}: the guest needs "
                           "(nested) virtualisation here") from err


def _idle_vcpu():
    """A vCPU that never runs, with its APIC as it comes: off."""
    kvm = _kvm()
    machine = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
    fcntl.ioctl(machine, KVM_CREATE_IRQCHIP, 0)
    return kvm, machine, fcntl.ioctl(machine, KVM_CREATE_VCPU, 0)


def _stamped_socket():
    stamped = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stamped.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return stamped


def _huge_pages(megabytes):
    wanted = megabytes // HUGE_PAGE_MB
    for _ in range(3):
        HUGE_PAGES.write_text(str(wanted), encoding="ascii")
        there = int(HUGE_PAGES.read_text(encoding="ascii"))
        if there >= wanted:
            return
        pathlib.Path("/proc/sys/vm/drop_caches").write_text(
            "3", encoding="ascii")
        pathlib.Path("/proc/sys/vm/compact_memory").write_text(
            "1", encoding="ascii")
    raise MachineError(f"only {there} of {wanted} huge pages of {HUGE_PAGE_MB} "
                       "MiB are to be had: this machine needs more memory")


@functools.cache
def prepare(megabytes):
    """Once in a process; what is opened stays open until its end."""
    _huge_pages(megabytes)
    os.makedirs(HUGE_DIR, exist_ok=True)
    if not os.path.ismount(HUGE_DIR):
        if os.spawnlp(os.P_WAIT, "mount", "mount", "-t", "hugetlbfs",
                      "tapkeep", HUGE_DIR):
            raise MachineError(f"cannot mount hugetlbfs at {HUGE_DIR}")
    return _idle_vcpu(), _stamped_socket()
