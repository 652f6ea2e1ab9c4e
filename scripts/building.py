# SPDX-License-Identifier: GPL-2.0-or-later
"""What the builds of other people's programs have in common."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BUILD = os.environ.get("TAPKEEP_BUILD") or os.path.join(TOP, "build")
CACHE = os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
    "tapkeep")

BUILD_TIMEOUT_S = 3600
PROGRESS_EVERY_S = 10


class BuildError(Exception):
    """Something that the user can read and act on."""


class Builder:
    """Runs the steps of a build, and says in its name what goes on."""

    def __init__(self, name):
        self.name = name

    def say(self, text):
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def alone(self, path):
        """One build at a time; @path is the lock."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        deadline = time.monotonic() + BUILD_TIMEOUT_S
        said = False
        with open(path, "w", encoding="utf-8") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not said:
                        self.say("waiting for another build to end")
                        said = True
                if time.monotonic() > deadline:
                    raise BuildError("another build does not end") \
                        from None
                time.sleep(0.5)
            yield

    def logged(self, args, log, progress, **kwargs):
        """Run @args; its output goes to @log, its progress to the user.

        @progress: of a line of the output, what to say about it, if anything
        """
        next_report = 0
        with open(log, "a", encoding="utf-8") as file, \
                subprocess.Popen(args, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True,
                                 stdin=subprocess.DEVNULL,
                                 **kwargs) as process:
            timer = threading.Timer(BUILD_TIMEOUT_S, process.kill)
            timer.start()
            for line in process.stdout:
                file.write(line)
                text = progress(line)
                now = time.monotonic()
                if text and now > next_report:
                    self.say(text)
                    next_report = now + PROGRESS_EVERY_S
            process.wait()
            timer.cancel()
        if process.returncode == -signal.SIGKILL:
            raise BuildError(f"'{args[0]}' was killed: it took over "
                             f"{BUILD_TIMEOUT_S} s, or memory ran out")
        if process.returncode:
            with open(log, encoding="utf-8") as file:
                tail = "".join(file.readlines()[-40:])
            raise BuildError(f"'{args[0]}' failed; all of it is in {log}:\n"
                             f"{tail}")


def fetch(*args):
    done = subprocess.run([os.path.join(TOP, "scripts/fetch"), *args],
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BuildError(f"cannot fetch {' '.join(args)}")
    return done.stdout.strip()


def output_of(*args):
    return subprocess.run(args, capture_output=True, text=True,
                          check=False).stdout
