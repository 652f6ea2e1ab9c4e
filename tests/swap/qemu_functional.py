#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The series' own functional test, in QEMU's framework, as KTAP.

It is built with QEMU and lies beside the program, with what of QEMU's tree it
needs. A test that is skipped is one that failed: all that it needs is here.
"""

import os
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from vmm import build_path, firmware, setting  # noqa: E402

NAME = "local_migration"


def find(qemu):
    """The directories to import from, and the module."""
    tree = os.path.join(os.path.dirname(os.path.realpath(qemu)), "source")
    for path, _, names in os.walk(os.path.join(tree, "tests/functional")):
        if f"test_{NAME}.py" in names:
            return [path, os.path.join(tree, "tests/functional"),
                    os.path.join(tree, "python")]
    raise ktap.Failure(f"there is no functional test below {tree}: run "
                       "'make qemu'")


def installed(qemu, directory):
    """A QEMU that finds its firmware by itself, as one that is installed."""
    path = os.path.join(directory, "qemu-system-x86_64")
    with open(path, "w", encoding="utf-8") as file:
        words = " ".join(["exec", qemu, *firmware()])
        file.write(f'#!/bin/sh\n{words} "$@"\n')
    os.chmod(path, 0o755)
    return path


def run(test):
    result = unittest.TestResult()
    test.run(result)
    for _, why in result.errors + result.failures:
        raise ktap.Failure(why)
    for _, why in result.skipped:
        raise ktap.Failure(f"it was skipped: {why}")


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def main():
    qemu = setting("TAPKEEP_QEMU", build_path(
        "qemu", os.environ.get("TAPKEEP_QEMU_SERIES") or "",
        "qemu-system-x86_64"))
    with tempfile.TemporaryDirectory() as directory:
        os.environ["QEMU_BUILD_ROOT"] = directory
        os.environ["QEMU_TEST_QEMU_BINARY"] = installed(qemu, directory)
        sys.path[:0] = find(qemu)
        # Prints TAP where QEMU's build runs the tests, which this does not.
        sys.modules["pycotap"] = types.ModuleType("pycotap")
        tests = flat(unittest.defaultTestLoader.loadTestsFromName(
            f"test_{NAME}"))
        ktap.main([(test.id().rpartition(".test_")[2],
                    lambda test=test: run(test)) for test in tests])


main()
