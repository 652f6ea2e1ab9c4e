# SPDX-License-Identifier: GPL-2.0-or-later
"""What a management layer does for a QEMU that may open nothing itself."""

import contextlib
import fcntl
import os
import shutil
import struct

NOBODY = 65534
FORBIDDEN = ("/dev/net/tun", "/dev/vhost-net", "/dev/tapkeep")
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 0x2, 0x1000, 0x4000, 0x100
NAME_LEN = 64
CREATE = struct.Struct(f"II{NAME_LEN}sIIiI")
CLAIM = struct.Struct(f"II{NAME_LEN}sQiI")
CLAIM_FORCE = 1
PIN = struct.Struct("IiII")


def _ioctl(fd, number, layout, *values):
    """One of the module's: the size comes first. Returns the members."""
    request = 3 << 30 | layout.size << 16 | 0xBD << 8 | number
    return layout.unpack(fcntl.ioctl(fd, request,
                                     layout.pack(layout.size, *values)))


def _open(path):
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)


class Opened:
    """Descriptors for one QEMU, which is the only one that has them then."""

    def __init__(self):
        self.all = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for fd in self.all:
            with contextlib.suppress(OSError):
                os.close(fd)
        self.all.clear()

    def _keep(self, fd):
        self.all.append(fd)
        return fd

    def queues(self, tap, count):
        """As many queues of the TAP."""
        flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | \
            (IFF_MULTI_QUEUE if count > 1 else 0)
        fds = [self._keep(_open("/dev/net/tun")) for _ in range(count)]
        for fd in fds:
            fcntl.ioctl(fd, TUNSETIFF,
                        struct.pack("16sH22x", tap.encode(), flags))
        return fds

    def vhosts(self, count):
        return [self._keep(_open("/dev/vhost-net")) for _ in range(count)]

    def device(self):
        return self._keep(_open("/dev/tapkeep"))

    def keep(self, name, queues=()):
        """The owner's handle of a new keep that pins @queues."""
        device = _open("/dev/tapkeep")
        try:
            handle = self._keep(_ioctl(device, 0x40, CREATE, 0, name.encode(),
                                       0, 0, -1, 0)[5])
        finally:
            os.close(device)
        for queue in queues:
            _ioctl(handle, 0x43, PIN, queue, 0, 0)
        return handle

    def taken(self, name):
        """The owner's handle of a keep that somebody else has."""
        device = _open("/dev/tapkeep")
        try:
            return self._keep(_ioctl(device, 0x41, CLAIM, CLAIM_FORCE,
                                     name.encode(), 0, -1, 0)[4])
        finally:
            os.close(device)


def for_nobody(scene):
    """Everything that a QEMU of another user opens in @scene."""
    os.chmod(scene.dir, 0o777)
    os.chmod("/dev/kvm", 0o666)
    for path in FORBIDDEN:
        os.chmod(path, 0o600)
    for what in ("qemu", "kernel", "initrd"):
        path = scene.path(what)
        shutil.copy(getattr(scene, what), path)
        os.chmod(path, 0o755)
        setattr(scene, what, path)
    with open(scene.ram, "wb"):
        os.chmod(scene.ram, 0o666)


def as_nobody(opened):
    """How to start it: another user, no capabilities, these descriptors."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": [],
            "pass_fds": opened.all}
