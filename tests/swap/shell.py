# SPDX-License-Identifier: GPL-2.0-or-later
"""A shell in the guest, on a serial port: it needs no network."""

import re
import socket
import time


SEND_S, NUDGE_S = 5, 0.2


class ShellError(Exception):
    """The guest's shell does not answer, or a command failed in it."""


class Shell:
    """The end of the port in one QEMU. After a swap there is another one."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.number = 0

    def _more(self):
        """After a migration QEMU's port may hold what the guest has written
        until something arrives for it.
        """
        self.socket.settimeout(NUDGE_S)
        try:
            return self.socket.recv(65536).decode(errors="replace")
        except TimeoutError:
            self.socket.sendall(b"\n")
            return ""

    def _answer(self, number, timeout):
        """What comes until the mark of that number, and the status in it."""
        end = time.monotonic() + timeout
        text = ""
        mark = re.compile(rf"@{number}:(\d+)@")
        while not mark.search(text):
            if time.monotonic() > end:
                return None, text
            text += self._more()
        return int(mark.search(text)[1]), text[:mark.search(text).start()]

    def send(self, command):
        """Without waiting for its end. Return: its number."""
        self.number += 1
        self.socket.settimeout(SEND_S)
        self.socket.sendall(
            f"{{ {command}; }} 2>&1; echo @{self.number}:$?@\n".encode())
        return self.number

    def run(self, command, timeout=10):
        """Return: what it printed. It must succeed."""
        status, text = self._answer(self.send(command), timeout)
        if status is None:
            raise ShellError(f"'{command}': no answer from the guest's shell "
                             f"within {timeout} s, but: {text!r}")
        # What was typed comes back first.
        text = text.partition("$?@")[2].strip().replace("\r", "")
        if status:
            raise ShellError(f"'{command}' failed in the guest with status "
                             f"{status}: {text}")
        return text

    def close(self):
        self.socket.close()
