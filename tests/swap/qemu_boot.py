#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Swaps of a guest that is not up: in its firmware, without a driver for its
NIC, and all through a reboot.
"""

import sys
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from life import Life, run_lives  # noqa: E402
from vmm import Network, Tapkeep, guest_answers, tail, wait_until  # noqa: E402

# SeaBIOS waits so long for a key. It counts the ticks of a PIT.
FIRMWARE_MS = 3000
FIRMWARE = ["-machine", "pit=on", "-boot",
            f"menu=on,splash-time={FIRMWARE_MS}"]
# Where its kernel is loaded to, in RAM in which nothing has been before.
KERNEL_AT, KERNEL_BYTES = 1 << 20, 4096
DRIVER_FILE, SHELL = "/driver", "tapkeep-guest: shell"
BOOT_S = 60


class Guest(Life):
    """One that loads its drivers when it is told to."""

    def __init__(self, network, scenario):
        super().__init__(network, scenario, more=FIRMWARE,
                         words=[f"tapkeep.wait={DRIVER_FILE}"])
        self.shells = 0

    def in_firmware(self):
        self.vmm = self.scene.start(self.scenario, "source", paused=True,
                                    **self.options)
        self.network.attach(self.scenario.source_tap)
        target = self.target()
        self.vmm.qmp.command("cont")
        time.sleep(FIRMWARE_MS / 6000)
        self.swap(target)
        with open(self.scene.ram, "rb") as ram:
            ram.seek(KERNEL_AT)
            ktap.check(not any(ram.read(KERNEL_BYTES)),
                       "the firmware was over before the swap was")

    def without_driver(self):
        self.shells = 1
        wait_until(self.has_shell, BOOT_S, "the guest's shell")
        ktap.check("eth0" not in self.shell("ls /sys/class/net"),
                   "it has a driver")
        self.swap()
        self.shell(f"touch {DRIVER_FILE}")
        self.scene.wait_guest(self.vmm, 30)
        self.works(swap=True)

    def has_shell(self):
        """Nothing may be sent to a port that the guest has not opened yet."""
        return tail(self.scene.console, 1000).count(SHELL) >= self.shells

    def reboot(self):
        """Swap after swap, until it is up again."""
        self.shells += 1
        target, first = self.target(), self.swaps
        resets = self.vmm.qmp.names().count("RESET")
        told = False
        # What the port has not been read of does not move with the guest.
        self.shell("(sleep 0.2; reboot -f) >/dev/null 2>&1 & true")
        end = time.monotonic() + BOOT_S
        while not told or not guest_answers():
            ktap.check(time.monotonic() < end, "it does not come up again")
            source = self.vmm
            self.swap(target)
            resets += source.qmp.names().count("RESET")
            if not told and self.has_shell():
                self.shell(f"touch {DRIVER_FILE}")
                told = True
            target = self.target()
        resets += self.vmm.qmp.names().count("RESET")
        ktap.note(f"{self.swaps - first} swaps, {resets} resets")
        ktap.check(resets, "it has not been reset")
        self.swap(target)
        self.works(swap=True)

    def tests(self):
        return [("the guest is in its firmware", self.in_firmware),
                ("it has no driver for its NIC yet", self.without_driver),
                ("it reboots", self.reboot)]


def main():
    with Network() as network:
        run_lives([Guest(network, Tapkeep(vhost=True)),
                   Guest(network, Tapkeep(vhost=False))])


main()
