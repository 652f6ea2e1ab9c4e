# SPDX-License-Identifier: GPL-2.0-or-later
"""A migration channel with somebody in the middle, who can spoil it."""

import array
import os
import socket
import threading

MAX_FDS = 253


def unchanged(data, fds):
    return data, fds


class Proxy:
    """Passes bytes and descriptors between @path and @target.

    @filter is called with what the source sends (bytes, and descriptors that
    it may close and leave out) and returns what goes on; None breaks the
    channel on both sides. @back: the same for what the target sends. Without
    them all goes on as it comes.
    """

    def __init__(self, path, target, filter_=unchanged, back=unchanged):
        self.target = target
        self.filter = filter_
        self.back = back
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        source, _ = self.listener.accept()
        target = socket.socket(socket.AF_UNIX)
        target.connect(self.target)
        threading.Thread(target=self._pass, daemon=True,
                         args=(target, source, self.back)).start()
        self._pass(source, target, self.filter)

    def _pass(self, origin, destination, filter_):
        try:
            while True:
                data, fds = receive(origin)
                if not data:
                    break
                passed = filter_(data, fds)
                if passed is None:
                    break
                send(destination, *passed)
        except OSError:
            pass
        for end in (origin, destination):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def receive(connection):
    fds = array.array("i")
    data, control, _, _ = connection.recvmsg(
        65536, socket.CMSG_SPACE(MAX_FDS * fds.itemsize))
    for level, kind, payload in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(payload[:len(payload)
                                  - len(payload) % fds.itemsize])
    return data, list(fds)


def send(connection, data, fds):
    """@fds are closed, also when nobody takes them."""
    control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                array.array("i", fds))] if fds else []
    try:
        sent = connection.sendmsg([data], control)
    finally:
        for fd in fds:
            os.close(fd)
    # Even nothing cannot be sent to somebody who has heard enough and left.
    if sent < len(data):
        connection.sendall(data[sent:])
