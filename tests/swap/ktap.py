# SPDX-License-Identifier: GPL-2.0-or-later
"""Run test functions and print KTAP, the kernel's Test Anything Protocol."""

import signal
import sys
import traceback

TEST_TIMEOUT_S = 240


class Failure(Exception):
    """The behaviour is not as it should be."""


def check(condition, text):
    if not condition:
        raise Failure(text)


FIGURES = {}


def figure(**values):
    """Add to what is reported at the end; of longest_* the highest counts."""
    for name, value in values.items():
        if name.startswith("longest_"):
            FIGURES[name] = max(value, FIGURES.get(name, 0))
        else:
            FIGURES[name] = FIGURES.get(name, 0) + value


def note(text):
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def _ring(_number, _frame):
    raise Failure(f"not done within {TEST_TIMEOUT_S} s")


def _passes(function, on_failure):
    signal.signal(signal.SIGALRM, _ring)
    signal.alarm(TEST_TIMEOUT_S)
    try:
        function()
        return True
    except Failure as err:
        note(err)
    except Exception:   # pylint: disable=broad-except
        note(traceback.format_exc())
    finally:
        signal.alarm(0)
    on_failure()
    return False


def main(tests, on_failure=lambda: None):
    """@tests: pairs of a name and a function without arguments."""
    print(f"KTAP version 1\n1..{len(tests)}", flush=True)
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        passed = _passes(function, on_failure)
        failed += not passed
        print(f"{'ok' if passed else 'not ok'} {number} {name}", flush=True)
    if FIGURES:
        note("figures: " + " ".join(f"{name}={value:.0f}"
                                    for name, value in FIGURES.items()))
    sys.exit(1 if failed else 0)
