# SPDX-License-Identifier: GPL-2.0-or-later
"""Migrations that are to fail, and what is said about it."""

import ktap
from qmp import QmpError
from vmm import MIGRATION_TIMEOUT_S, MigrationFailed, wait_until


def says(text, words):
    """@words: one or more that must be in it."""
    ktap.note(text)
    for word in [words] if isinstance(words, str) else words:
        ktap.check(word in text, f"'{word}' is not in: {text}")


def refused(words, function, *arguments):
    """A QMP command that is refused."""
    try:
        function(*arguments)
    except QmpError as err:
        says(str(err), words)
        return
    raise ktap.Failure("it was not refused")


def does_not_start(words, scene, *arguments, **options):
    """A QEMU that ends before it can be asked anything."""
    try:
        scene.start(*arguments, **options)
    except QmpError:
        vmm = scene.vmms[-1]
        wait_until(lambda: not vmm.alive(), 10, "the QEMU to end")
        says(vmm.said(), words)
        return
    raise ktap.Failure("it started")


def begin(source, channel, local=None):
    """Return: since when to look for events."""
    since = source.qmp.mark()
    source.prepare_migration(local)
    source.qmp.command("migrate", {"uri": f"unix:{channel}"})
    return since


def fails(source, since):
    """The migration fails, for a reason that is returned."""
    try:
        source.scene.wait_migration(source, since)
    except MigrationFailed as err:
        return str(err)
    raise ktap.Failure("the migration succeeded")


def goes_on(source, since):
    """The guest stopped, and runs again in the source."""
    source.qmp.event("RESUME", MIGRATION_TIMEOUT_S, since)
    ktap.check(source.status() == "running", f"it is {source.status()}")
    source.scene.wait_guest(source, 10)


def never_stopped(source, since):
    """The guest, which runs in the source."""
    ktap.check(source.status() == "running", f"it is {source.status()}")
    ktap.check("STOP" not in source.qmp.names()[since:], "the guest stopped")
    source.scene.wait_guest(source, 10)


def both_say(source, target, words, local=None, channel=None, stops=True):
    """The target does not take the guest, both say why, the source goes on.

    @words can be a list that is filled while that happens; unless it @stops
    they do so while the guest runs.
    """
    since = begin(source, channel or target.channel, local)
    said = fails(source, since)
    (goes_on if stops else never_stopped)(source, since)
    wait_until(lambda: not target.alive(), 20, "the target to give up")
    says(f"the source: {said}", words)
    says(f"the target: {target.said()}", words)
    target.kill()
