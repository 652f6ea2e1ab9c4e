#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/ci makes of checks that pass, fail, end badly and hang.

A copy of it runs in a directory whose Makefile has checks that only print.
Needs no module. Prints KTAP.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.environ.get("TAPKEEP_TOP") or os.path.join(
    os.path.dirname(os.path.realpath(__file__)), "../..")
BOUND_S = 60
GOOD = {"check": "echo '5 passed, 0 failed, 1 skipped'",
        "check-debug": "echo 'reports=0'; echo '7 passed, 0 failed'",
        "fuzz": "echo 'calls=$(CALLS) reports=0'",
        "check-kill": "echo 'kills=$(KILLS) lost=0'",
        "check-matrix": "echo 'kernels=2 passed=11 failed=0 skipped=0'"}

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tests/swap"))
import ktap  # noqa: E402


def ci(*args, **checks):
    """Its status and its output, when these checks are other than good."""
    checks = {name.replace("_", "-"): text for name, text in checks.items()}
    with tempfile.TemporaryDirectory() as top:
        os.mkdir(os.path.join(top, "scripts"))
        script = shutil.copy(os.path.join(TOP, "scripts/ci"),
                             os.path.join(top, "scripts/ci"))
        with open(os.path.join(top, "Makefile"), "w",
                  encoding="utf-8") as file:
            for name, text in {**GOOD, **checks}.items():
                file.write(f"{name}:\n\t@{text}\n")
        done = subprocess.run([script, *args], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False,
                              timeout=BOUND_S)
    return done.returncode, done.stdout + done.stderr


def expect(result, status, last):
    ktap.check(result[0] == status and result[1].splitlines()[-1] == last,
               f"not status {status} and {last!r}:\n{result[0]}\n{result[1]}")


def test_all_pass():
    result = ci()
    expect(result, 0, "25 passed, 0 failed")
    ktap.check("calls=1000000" in result[1] and "kills=10000" in result[1],
               f"not as many as there should be:\n{result[1]}")


def test_only_what_is_named_runs():
    expect(ci("check-debug", "check", fuzz="exit 1"), 0, "12 passed, 0 failed")


def test_an_unknown_name_runs_nothing():
    status, said = ci("check", "fuss")
    ktap.check(status == 2 and "5 passed" not in said and
               "no check 'fuss'" in said, f"status {status}:\n{said}")


def test_failed_tests_are_added_up():
    expect(ci(check="echo '4 passed, 1 failed'; exit 1",
              check_matrix="echo 'kernels=2 passed=9 failed=2 '; exit 1"),
           1, "22 passed, 3 failed")


def test_a_bad_end_without_a_failed_test_fails():
    expect(ci(check="echo '5 passed, 0 failed'; exit 1",
              fuzz="echo 'calls=3 reports=1'; exit 1"),
           1, "24 passed, 2 failed")


def test_the_rest_runs_after_one_without_a_summary():
    expect(ci(check="echo 'no such compiler'; exit 2"),
           1, "20 passed, 1 failed")


def test_what_hangs_is_stopped_and_what_follows_fails():
    started = time.monotonic()
    result = ci("--seconds", "3",
                fuzz="trap 'echo asked to stop' TERM; sleep 600 & wait")
    expect(result, 1, "12 passed, 3 failed")
    ktap.check(time.monotonic() - started < 20, "it did not stop in time")
    for text in "fuzz CALLS=1000000: 0 passed, 1 failed stopped", "not run":
        ktap.check(text in result[1], f"no {text!r}:\n{result[1]}")


if __name__ == "__main__":
    ktap.main([(name.removeprefix("test_"), value)
               for name, value in sorted(globals().items())
               if name.startswith("test_")])
