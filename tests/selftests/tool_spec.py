#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The module's netlink family, by the kernel's own client and the specification.

The client (tools/net/ynl) knows nothing about the family but what the
specification says. Prints KTAP.
"""

import errno
import os
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import tool_show as keeps  # noqa: E402

SOURCE = os.environ.get("TAPKEEP_LINUX_SOURCE") or subprocess.run(
    [os.path.join(keeps.TOP, "scripts/fetch"), "linux-source", "6.12"],
    stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
NETLINK = os.path.join(SOURCE, "Documentation/netlink")
sys.path.insert(0, os.path.join(SOURCE, "tools/net/ynl"))
from lib import NlError, YnlFamily  # noqa: E402

REFUSAL_UNKNOWN = "There is no keep of this name in the network namespace"
REFUSAL_STRANGER = "Only the keep's user may release it, or CAP_NET_ADMIN"


def open_family():
    """In the network namespace of the test."""
    return YnlFamily(
        os.path.join(keeps.TOP, "Documentation/netlink/specs/tapkeep.yaml"),
        os.path.join(NETLINK, "genetlink.yaml"))


def refusal(function, *args):
    """Return: the error number and the extended ack."""
    try:
        function(*args)
    except NlError as err:
        return err.error, err.nl_msg.extack
    raise AssertionError(f"{args}: not refused")


class Events:
    """What comes on the group, by the time it is asked for."""

    def __init__(self):
        self.family = open_family()
        self.family.ntf_subscribe("monitor")

    def read(self):
        self.family.check_ntf()
        messages = self.family.async_msg_queue[:]
        self.family.async_msg_queue.clear()
        assert all(message["name"] == "ntf" for message in messages), messages
        return [message["msg"] for message in messages]

    def wait_for(self, event):
        """Return: all up to the first of this kind, at least."""
        seen = []
        until = time.monotonic() + keeps.BOUND_S
        while time.monotonic() < until:
            seen += self.read()
            if any(message["event"] == event for message in seen):
                return seen
            time.sleep(0.05)
        raise AssertionError(f"no event {event} but {seen}")


# What a keep says about itself.

def test_get_tells_everything(_):
    keeps.Nic()
    reply = open_family().do("get", {"name": "vm1"})
    ring_size = reply["queue"][0]["ring-size"]
    assert ring_size > 0
    with open("/proc/self/comm", encoding="utf-8") as comm:
        owner_comm = comm.read().rstrip("\n")
    assert reply == {
        "name": "vm1", "state": "active", "generation": 1, "uid": 0,
        "ifindex": socket.if_nametoindex("tap0"), "ifname": "tap0",
        "netns": os.stat("/proc/self/ns/net").st_ino,
        "owner-pid": os.getpid(), "owner-comm": owner_comm, "lease": 30000,
        "hold-limit": 4096, "held": 0, "held-total": 0, "peak": 0,
        "dropped": 0, "blackout": 0, "blackout-max": 0, "stolen": 0,
        "vmm": {
            "flags": {"stopped"}, "features": hex(keeps.FEATURES),
            "offloads": {"csum", "tso4"}, "vnet-hdr-len": 12,
            "vnet-hdr-endian": "little", "mac": "52:54:00:01:02:03",
            "active-queue-pairs": 1,
        },
        "queue": [{
            "index": i, "ring-size": ring_size, "ring-used": 0,
            "flags": {"enabled"} if i == 0 else set(),
            "rx-last-avail": 10 + i, "rx-used": 20 + i, "rx-size": 256,
            "tx-last-avail": 30 + i, "tx-used": 40 + i, "tx-size": 512,
        } for i in range(2)],
    }, reply


def test_a_hold_is_counted(_):
    """The numbers that are 0 of a keep at rest, each in its place."""
    nic = keeps.Nic(queues=1)
    family = open_family()
    keeps.freeze(nic.owner)
    keeps.send_packets("tap0", 3000)
    held = family.do("get", {"name": "vm1"})
    assert (held["state"], held["held"], held["queue"][0]["ring-used"]) == \
        ("frozen", 3000, 3000), held
    assert held["queue"][0]["ring-size"] >= held["hold-limit"] == 4096
    assert "draining" not in held
    keeps.send_packets("tap0", 2000)
    keeps.thaw(nic.owner)
    after = family.do("get", {"name": "vm1"})
    assert after["state"] == "active"
    assert after["draining"] is True
    assert after["held"] == 0
    assert after["held-total"] == after["peak"] == after["queue"][0]["ring-used"]
    assert after["peak"] + after["dropped"] == 5000, after
    assert after["dropped"] > 0
    assert 0 < after["blackout"] == after["blackout-max"]


def test_an_orphan_has_a_lease(_):
    nic = keeps.Nic(lease_ms=60000)
    nic.die()
    keep = open_family().do("get", {"name": "vm1"})
    assert keep["state"] == "orphan"
    assert 0 < keep["lease-left"] <= keep["lease"] == 60000
    assert "owner-pid" not in keep and "owner-comm" not in keep


def test_dump_shows_all(_):
    family = open_family()
    assert family.dump("get", {}) == []
    keeps.Nic()
    keeps.Nic("vm2", "tap1", queues=3)
    shown = family.dump("get", {})
    assert sorted(keep["name"] for keep in shown) == ["vm1", "vm2"]
    for keep in shown:
        assert keep == family.do("get", {"name": keep["name"]})
    assert refusal(family.dump, "get", {"name": "vm1"})[0] == errno.EINVAL


# What is refused.

def test_an_unknown_name(_):
    family = open_family()
    for operation in ("get", "release"):
        code, ack = refusal(family.do, operation, {"name": "none"})
        assert code == errno.ENOENT, code
        assert ack == {"msg": REFUSAL_UNKNOWN, "bad-attr": ".name"}, ack


def test_a_missing_name(_):
    """The kernel says which one, the client adds its description."""
    code, ack = refusal(open_family().do, "get", {})
    assert code == errno.EINVAL, code
    assert ack["miss-type"] == "name" and ack["miss-type-doc"], ack


def test_a_name_of_the_limit(_):
    """As long as the specification allows, and one more."""
    family = open_family()
    longest = family.consts["name-len"]["value"] - 1
    name = "x" * longest
    handle = keeps.create(name)
    assert family.do("get", {"name": name})["name"] == name
    os.close(handle)
    code, ack = refusal(family.do, "get", {"name": name + "x"})
    assert code == errno.EINVAL, code
    assert ack["bad-attr"] == ".name", ack


def test_release(_):
    keeps.Nic()
    family = open_family()
    os.seteuid(keeps.NOBODY)
    try:
        code, ack = refusal(family.do, "release", {"name": "vm1"})
    finally:
        os.seteuid(0)
    assert (code, ack) == (errno.EPERM, {"msg": REFUSAL_STRANGER}), (code, ack)
    code, ack = refusal(family.do, "release", {"name": "vm1", "generation": 7})
    assert code == errno.ESTALE, code
    # Before 6.2 the text of an ack can have no values in it.
    if [int(n) for n in os.uname().release.split(".")[:2]] >= [6, 2]:
        assert ack["msg"].startswith(
            f"Generation 1 now, owned by {os.getpid()} ("), ack
    code, ack = refusal(family.do, "release", {"name": "vm1", "generation": 0})
    assert (code, ack["bad-attr"]) == (errno.ERANGE, ".generation"), (code, ack)
    assert family.do("release", {"name": "vm1"}) is None
    assert family.dump("get", {}) == []


def test_set(_):
    keeps.Nic()
    family = open_family()
    family.do("set", {"name": "vm1", "lease": 61234, "hold-limit": 2222})
    keep = family.do("get", {"name": "vm1"})
    assert (keep["lease"], keep["hold-limit"]) == (61234, 2222), keep
    for request, code, attr in (({}, errno.EINVAL, None),
                                ({"lease": 0}, errno.ERANGE, ".lease"),
                                ({"lease": 1 << 31}, errno.ERANGE, ".lease"),
                                ({"hold-limit": 1 << 30}, errno.ERANGE,
                                 ".hold-limit"),
                                ({"generation": 7, "lease": 1}, errno.ESTALE,
                                 None)):
        got, ack = refusal(family.do, "set", {"name": "vm1", **request})
        assert (got, ack.get("bad-attr")) == (code, attr), (request, got, ack)
        assert ack["msg"], (request, ack)


# Events.

def test_freeze_and_thaw_are_told(_):
    nic = keeps.Nic()
    events = Events()
    before = open_family().do("get", {"name": "vm1"})
    keeps.freeze(nic.owner)
    frozen, = events.read()
    assert (frozen["event"], frozen["state"]) == ("frozen", "frozen"), frozen
    assert next(iter(frozen)) == "event"
    assert set(frozen) == set(before) | {"event", "actor-pid", "actor-uid"}
    assert (frozen["actor-pid"], frozen["actor-uid"]) == (os.getpid(), 0)
    assert frozen["vmm"] == before["vmm"]
    assert frozen["queue"][1]["ring-size"] > before["queue"][1]["ring-size"]
    keeps.thaw(nic.owner)
    thawed, = events.read()
    assert (thawed["event"], thawed["state"]) == ("thawed", "active"), thawed
    assert thawed["blackout"] > 0
    assert not events.read()


def test_every_event_has_a_name(_):
    events = Events()
    expected = keeps.live_through_everything()
    seen = events.read()
    assert [event["event"] for event in seen] == expected, seen
    nics = [keeps.Nic("short", lease_ms=200), keeps.Nic("gone", "tap1")]
    nics[0].die()
    seen += events.wait_for("expired")
    subprocess.run(["ip", "link", "delete", "tap1"], check=True,
                   timeout=keeps.BOUND_S)
    seen += events.wait_for("device-gone")
    keeps.lose_packets()
    open_family().do("set", {"name": "loser", "lease": 1})
    seen += events.read()
    assert {event["event"] for event in seen} == \
        set(events.family.consts["event"].entries) - {"unspec"}
    assert {event["state"] for event in seen} == \
        set(events.family.consts["keep-state"].entries)


# What the kernel itself knows about the family.

def test_the_controller_knows_the_same(_):
    """Operations with their flags, the group, and what a request may have."""
    family = open_family()
    controller = YnlFamily(os.path.join(NETLINK, "specs/nlctrl.yaml"),
                           os.path.join(NETLINK, "genetlink-legacy.yaml"))
    known = controller.do("getfamily", {"family-name": "tapkeep"})
    assert known["version"] == 1
    groups = [group["name"] for entry in known["mcast-groups"]
              for group in entry.values()]
    assert groups == list(family.mcast_groups), groups
    modes = {op["id"]: {flag for flag in op["flags"]
                        if flag != "cmd-cap-haspol"}
             for entry in known["ops"] for op in entry.values()}
    assert modes == {
        op.value: {f"cmd-cap-{mode}" for mode in op.modes}
        | set(op.get("flags", [])) for op in family.ops.values()}, modes
    name = family.attr_sets["keep"]["name"]
    policies = [message["policy"] for message in
                controller.dump("getpolicy", {"family-name": "tapkeep"})
                if "policy" in message]
    numbers = {family.attr_sets["keep"][attr].value: kind for attr, kind in
               (("generation", "u64"), ("lease", "u32"), ("hold-limit", "u32"))}
    assert {policy["attr-id"] for policy in policies} == \
        {name.value, *numbers}, policies
    for policy in policies:
        if policy["attr-id"] in numbers:
            assert policy["type"] == numbers[policy["attr-id"]], policy
            assert policy["min-value-u"] == 1, policy
            continue
        assert policy["type"] == "nul-string"
        assert policy["max-length"] == \
            family.consts["name-len"]["value"] - 1


if __name__ == "__main__":
    sys.exit(keeps.main(globals()))
