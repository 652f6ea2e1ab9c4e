#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which patches each QEMU gets: its own, and of the others those of 10.0.

Needs no module. Prints KTAP.
"""

import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(os.environ.get("TAPKEEP_TOP") or os.path.join(
    os.path.dirname(os.path.realpath(__file__)), "../.."))
PATCHES = TOP / "user/vmm-glue/qemu"
FIRST = "10.0"
OTHERS = sorted(path.name for path in PATCHES.iterdir()
                if path.is_dir() and path.name != FIRST)

sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests/swap"))
import ktap  # noqa: E402


def listed(series):
    done = subprocess.run([TOP / "scripts/build-qemu", "--list", series],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, check=True, timeout=60)
    return [pathlib.Path(line) for line in done.stdout.splitlines()]


def names(series):
    return {path.name for path in (PATCHES / series).glob("*.patch")}


def subject(path):
    """Without its number."""
    text = path.read_text(encoding="utf-8")
    return re.search(r"^Subject: \[PATCH \d+/\d+\] (.*(?:\n .*)*)", text,
                     re.M)[1]


def changes(path):
    """Without the numbers of lines, which may differ."""
    _, _, diff = path.read_text(encoding="utf-8").partition("\ndiff --git ")
    return re.sub(r"^(@@ .*|index .*)$", "", diff, flags=re.M)


def both(series):
    """Pairs of patches, of that series and of the first, of the same name."""
    return [(PATCHES / series / name, PATCHES / FIRST / name)
            for name in sorted(names(series) & names(FIRST))]


def test_there_are_others():
    ktap.check(OTHERS and names(FIRST), f"{OTHERS}, {names(FIRST)}")


def test_each_gets_the_whole_series_in_order():
    for series in (FIRST, *OTHERS):
        got = [path.name for path in listed(series)]
        ktap.check(got == sorted(names(FIRST) | names(series)),
                   f"{series}: {got}")


def test_its_own_come_first():
    for series in OTHERS:
        own = {path.name for path in listed(series)
               if path.parent.name == series}
        ktap.check(own == names(series), f"{series}: {own}")


def test_no_subject_comes_twice():
    for series in OTHERS:
        subjects = [subject(path) for path in listed(series)]
        ktap.check(len(set(subjects)) == len(subjects),
                   f"{series}: {sorted(subjects)}")


def test_a_patch_of_the_same_name_is_about_the_same():
    for series in OTHERS:
        for own, first in both(series):
            ktap.check(subject(own) == subject(first),
                       f"{own}: not '{subject(first)}'")


def test_a_patch_is_not_there_twice():
    for series in OTHERS:
        for own, first in both(series):
            ktap.check(changes(own) != changes(first),
                       f"{own} could be {FIRST}'s")


if __name__ == "__main__":
    ktap.main([(name.removeprefix("test_"), value)
               for name, value in sorted(globals().items())
               if name.startswith("test_")])
