# SPDX-License-Identifier: GPL-2.0-or-later
"""What is heard of something on the host while a test runs."""

import socket
import struct

from vmm import BRIDGE

ETH_P_RARP = 0x8035
RTMGRP_LINK = 1
# Of a message of netlink, up to the index of the interface.
IFINFO = struct.Struct("=IHHIIBxHi")


class Heard:
    """Counts what comes to a socket once it is bound, if it @matches."""

    def __init__(self, listener, address, matches=lambda message: True):
        self.socket = listener
        self.socket.setblocking(False)
        self.address = address
        self.matches = matches

    def __enter__(self):
        self.socket.bind(self.address)
        return self

    def __exit__(self, *_):
        self.socket.close()

    def count(self):
        """Since the last time."""
        count = 0
        while True:
            try:
                message = self.socket.recv(65536)
            except BlockingIOError:
                return count
            count += bool(self.matches(message))


def announcements():
    """The RARP packets with which QEMU announces where a guest is now."""
    return Heard(socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
                 (BRIDGE, ETH_P_RARP))


def link_events(name):
    """What watchers of an interface hear, of other features for example."""
    index = socket.if_nametoindex(name)
    return Heard(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                               socket.NETLINK_ROUTE), (0, RTMGRP_LINK),
                 lambda message: IFINFO.unpack_from(message)[-1] == index)
