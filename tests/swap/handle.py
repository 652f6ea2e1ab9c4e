# SPDX-License-Identifier: GPL-2.0-or-later
"""The owner's handle of a keep, taken from the process that has it.

What a VMM exported can be changed through it behind the VMM's back.
"""

import ctypes
import fcntl
import os
import struct

SYS_PIDFD_GETFD = 438
# Of linux/tapkeep.h.
STATE = struct.Struct("<IIQIHBB6sHIIQ")
QUEUE = struct.Struct("<6HI")
INFO_BYTES, ROLE_AT, ROLE_OWNER = 128, 8, 2


def _request(number, size):
    return 3 << 30 | size << 16 | 0xBD << 8 | number


GET_STATE, SET_STATE = (_request(number, STATE.size) for number in (0x4b, 0x4a))
GET_INFO = _request(0x4c, INFO_BYTES)


class HandleError(Exception):
    """The process has no such handle."""


class Handle:
    def __init__(self, pid):
        self.fd = next(self._owners(pid), None)
        if self.fd is None:
            raise HandleError(f"process {pid} owns no keep")

    @staticmethod
    def _owners(pid):
        libc = ctypes.CDLL(None, use_errno=True)
        pidfd = os.pidfd_open(pid)
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):
                if not Handle._is_keep(f"/proc/{pid}/fd/{name}"):
                    continue
                fd = libc.syscall(SYS_PIDFD_GETFD, pidfd, int(name), 0)
                if fd >= 0 and Handle._is_owner(fd):
                    yield fd
        finally:
            os.close(pidfd)

    @staticmethod
    def _is_keep(path):
        try:
            return "[tapkeep]" in os.readlink(path)
        except FileNotFoundError:
            # Closed meanwhile, as an offer is when it was sent.
            return False

    @staticmethod
    def _is_owner(fd):
        info = bytearray(INFO_BYTES)
        struct.pack_into("<I", info, 0, INFO_BYTES)
        fcntl.ioctl(fd, GET_INFO, info)
        return struct.unpack_from("<I", info, ROLE_AT)[0] == ROLE_OWNER

    def change_used(self, nr_queues):
        """Add one to queue 0's used index of the receive ring.

        Return: what it was.
        """
        queues = ctypes.create_string_buffer(nr_queues * QUEUE.size)
        state = bytearray(STATE.pack(
            STATE.size, 0, 0, 0, 0, 0, 0, b"", 0, QUEUE.size, nr_queues,
            ctypes.addressof(queues)))
        fcntl.ioctl(self.fd, GET_STATE, state)
        used = struct.unpack_from("<H", queues, 2)[0]
        struct.pack_into("<H", queues, 2, (used + 1) & 0xffff)
        fcntl.ioctl(self.fd, SET_STATE, state)
        return used

    def close(self):
        os.close(self.fd)
