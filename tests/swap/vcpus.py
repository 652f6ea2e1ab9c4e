# SPDX-License-Identifier: GPL-2.0-or-later
"""When a guest ran last, and when it ran first: KVM's own trace of it.

QEMU's STOP and RESUME say when it deals with a stop. A guest stands still a little
before the one, and after the other until its first vCPU is entered.
"""

import contextlib
import os
import pathlib
import re
import subprocess
import time

TIMEOUT_S = 10
# For each processor.
MEMORY_KB = 1024
TRACEFS = pathlib.Path("/sys/kernel/tracing")
# "  CPU 0/KVM-1234    [001] d..1.   12.345678: kvm_entry: vcpu 0 ..."
TIME = re.compile(r" (\d+\.\d+): kvm_(?:exit|entry): ")


class Trace:
    """One event of a QEMU's vCPUs. Of others it costs next to nothing.

    When its memory is full it forgets the oldest, or with @first the newest.
    """

    def __init__(self, vmm, event, first=False, memory_kb=MEMORY_KB):
        self.first = first
        self.memory_kb = memory_kb
        self.dir = TRACEFS / "instances" / f"tapkeep-{os.getpid()}-{event}"
        self.event = event
        self.vcpus = [str(cpu["thread-id"])
                      for cpu in vmm.qmp.command("query-cpus-fast")]

    def write(self, name, text):
        self.dir.joinpath(name).write_text(text, encoding="ascii")

    def __enter__(self):
        if not TRACEFS.joinpath("instances").is_dir():
            subprocess.run(["mount", "-t", "tracefs", "tapkeep", TRACEFS],
                           check=True)
        self.dir.mkdir()
        self.write("trace_clock", "mono")
        self.write("buffer_size_kb", str(self.memory_kb))
        self.write("options/overwrite", str(int(not self.first)))
        self.write("set_event_pid", " ".join(self.vcpus))
        self.write(f"events/kvm/{self.event}/enable", "1")
        return self

    def __exit__(self, *_):
        self.write(f"events/kvm/{self.event}/enable", "0")
        with contextlib.suppress(OSError):
            self.dir.rmdir()

    def times(self):
        """In seconds since the epoch, at least one."""
        end = time.monotonic() + TIMEOUT_S
        while True:
            text = self.dir.joinpath("trace").read_text(encoding="utf-8")
            found = TIME.findall(text)
            if found:
                break
            if time.monotonic() > end:
                raise TimeoutError(f"no {self.event} within {TIMEOUT_S} s")
            time.sleep(0.1)
        epoch = time.time() - time.monotonic()
        return [epoch + float(when) for when in found]


@contextlib.contextmanager
def watched(source, target):
    """The vCPUs of two QEMUs, from now on. Yields a function that says when the
    guest ran last in the one and first in the other."""
    with Trace(source, "kvm_exit") as exits, \
            Trace(target, "kvm_entry", first=True) as entries:
        yield lambda: (max(exits.times()), min(entries.times()))
