# SPDX-License-Identifier: GPL-2.0-or-later
"""What the machine that runs the QEMUs needs, besides programs.

Large pages for the guest's RAM: a QEMU that takes over has empty page tables,
and every page that the guest touches then costs a fault. With 4 KiB pages
these faults are most of a short stop, and of what comes after it.
"""

import functools
import os
import pathlib

HUGE_DIR = "/run/tapkeep-huge"
HUGE_PAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
HUGE_PAGE_MB = 2


class MachineError(Exception):
    """It has not what is needed."""


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
    """Once in a process."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise MachineError("/dev/kvm cannot be used: the guest needs (nested) "
                           "virtualisation here")
    _huge_pages(megabytes)
    os.makedirs(HUGE_DIR, exist_ok=True)
    if not os.path.ismount(HUGE_DIR):
        if os.spawnlp(os.P_WAIT, "mount", "mount", "-t", "hugetlbfs",
                      "tapkeep", HUGE_DIR):
            raise MachineError(f"cannot mount hugetlbfs at {HUGE_DIR}")
