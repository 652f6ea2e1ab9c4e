# SPDX-License-Identifier: GPL-2.0-or-later
"""A client for QEMU's machine protocol (QMP), small and without surprises.

A thread reads; a listener is called on it as soon as its event is there, so
that the time from the event to the reaction is short.
"""

import json
import os
import socket
import threading
import time


class QmpError(Exception):
    """QEMU refused a command, or does not answer any more."""


def event_time(event):
    """Seconds since the epoch."""
    stamp = event["timestamp"]
    return stamp["seconds"] + stamp["microseconds"] / 1e6


def set_policy(policy, thread=0, priority=0):
    os.sched_setscheduler(thread, policy, os.sched_param(priority))


class Qmp:
    """One connection. Every wait has a bound."""

    def __init__(self, path, timeout=30, alive=lambda: True):
        self.changed = threading.Condition()
        self.events = []        # guarded by changed, as the next three are
        self.answers = {}
        self.closed = False
        self.number = 0
        self.listeners = {}
        self.policy = os.SCHED_OTHER    # the reader's
        self.socket = self._connect(path, timeout, alive)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.command("qmp_capabilities", timeout=timeout)

    @staticmethod
    def _connect(path, timeout, alive):
        end = time.monotonic() + timeout
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(path)
                return connection
            except OSError as err:
                connection.close()
                if not alive():
                    raise QmpError("QEMU ended before its QMP socket "
                                   "was there") from err
                if time.monotonic() > end:
                    raise QmpError(f"no QMP socket at {path} within "
                                   f"{timeout} s") from err
            time.sleep(0.02)

    def give_way(self):
        """To the kernel's own threads, for example, that QEMU waits for."""
        self.policy = os.SCHED_IDLE
        set_policy(self.policy, self.reader.native_id)

    def listen(self, event, function, priority=0):
        """Call @function on @event, before others if it has a @priority.

        The priority is for the first event that somebody listens to.
        """
        self.listeners[event] = function
        if priority:
            set_policy(os.SCHED_FIFO, self.reader.native_id, priority)

    def ignore(self, event):
        """The end of listen()."""
        self.listeners.pop(event, None)

    def _read(self):
        try:
            with self.socket.makefile("rb") as lines:
                for line in lines:
                    self._take(json.loads(line))
        except (OSError, ValueError):
            pass
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def _take(self, message):
        if "event" in message:
            listener = self.listeners.get(message["event"])
            if listener:
                listener(message)
                set_policy(self.policy)
        with self.changed:
            if "event" in message:
                self.events.append(message)
            elif "id" in message:
                self.answers[message["id"]] = message
            self.changed.notify_all()

    def _wait(self, find, timeout, what):
        """The first true value of @find, called with the lock held."""
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                found = find()
                if found:
                    return found
                if self.closed:
                    raise QmpError(f"QEMU closed its QMP connection while "
                                   f"{what} was waited for")
                left = end - time.monotonic()
                if left <= 0:
                    raise QmpError(f"no {what} within {timeout} s")
                self.changed.wait(left)

    def command(self, name, arguments=None, timeout=30):
        with self.changed:
            self.number += 1
            number = self.number
        request = {"execute": name, "id": number}
        if arguments is not None:
            request["arguments"] = arguments
        try:
            self.socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as err:
            raise QmpError(f"{name}: QEMU is gone: {err}") from err
        answer = self._wait(lambda: self.answers.pop(number, None), timeout,
                            f"answer to {name}")
        if "error" in answer:
            raise QmpError(f"{name}: {answer['error']['desc']}")
        return answer["return"]

    def give(self, name, file):
        """Have QEMU know the descriptor of @file by @name."""
        request = json.dumps({"execute": "getfd", "id": name,
                              "arguments": {"fdname": name}})
        socket.send_fds(self.socket, [request.encode() + b"\n"],
                        [file.fileno()])
        answer = self._wait(lambda: self.answers.pop(name, None), 10,
                            "answer to getfd")
        if "error" in answer:
            raise QmpError(f"getfd: {answer['error']['desc']}")

    def mark(self):
        """Where the list of events ends now."""
        with self.changed:
            return len(self.events)

    def event(self, name, timeout, since=0, match=lambda event: True):
        """The first event @name after @since that matches."""
        def find():
            for event in self.events[since:]:
                if event["event"] == name and match(event):
                    return event
            return None
        return self._wait(find, timeout, f"event {name}")

    def names(self):
        with self.changed:
            return [event["event"] for event in self.events]

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


def remove(path):
    """A socket file that nobody listens on any more."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
