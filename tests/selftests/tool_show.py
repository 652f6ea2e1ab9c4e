#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The tool, against the module: what it prints, what it refuses, what it exits with.

Each test has a network namespace of its own, by name, with a TAP in it. Prints
KTAP.
"""

import contextlib
import ctypes
import fcntl
import glob
import json
import os
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback

BUILD = os.environ.get("TAPKEEP_BUILD") or os.path.join(
    os.path.dirname(os.path.realpath(__file__)), "../../build")
TOP = os.environ.get("TAPKEEP_TOP") or os.path.join(
    os.path.dirname(os.path.realpath(__file__)), "../..")
TOOL = os.path.join(BUILD, "user/tapkeep")
BOUND_S = 20
NOBODY = 65534

CLONE_NEWNET = 0x40000000
PR_SET_NAME = 15
LIBC = ctypes.CDLL(None, use_errno=True)

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 0x2, 0x1000, 0x4000, 0x100
TUNSETOFFLOAD = 0x400454D0
TUN_F_CSUM, TUN_F_TSO4 = 1, 2
SIOCSIFFLAGS = 0x8914

STATE_STOPPED = QUEUE_ENABLED = 1
ENDIAN_LITTLE = 1
FEATURES = 0x130000000


# The module's ioctls, as in the uapi header.

def _iowr(number, size):
    return 3 << 30 | size << 16 | 0xBD << 8 | number


def ioctl(fd, number, fmt, *values):
    """The structure after the ioctl; its first member is its size."""
    size = struct.calcsize(fmt)
    arg = bytearray(struct.pack(fmt, size, *values))
    fcntl.ioctl(fd, _iowr(number, size), arg)
    return struct.unpack(fmt, arg)


def on_device(number, fmt, *values):
    device = os.open("/dev/tapkeep", os.O_RDWR)
    try:
        return ioctl(device, number, fmt, *values)
    finally:
        os.close(device)


def create(name, hold_limit=0, lease_ms=0):
    return on_device(0x40, "=II64sIIiI", 0, name.encode(), hold_limit,
                     lease_ms, -1, 0)[5]


def claim(name, force=False):
    return on_device(0x41, "=II64sQiI", int(force), name.encode(), 0, -1, 0)[4]


def pin(handle, queue):
    ioctl(handle, 0x43, "=IiII", queue, 0, 0)


def offer(handle):
    return ioctl(handle, 0x45, "=IIiI", 0, -1, 0)[2]


def claim_offer(fd):
    return ioctl(fd, 0x41, "=II64sQiI", 0, b"", 0, -1, 0)[4]


def operation(handle, number):
    ioctl(handle, number, "=II", 0)


def freeze(handle):
    operation(handle, 0x46)


def revoke(handle):
    operation(handle, 0x47)


def thaw(handle):
    operation(handle, 0x48)


def release(handle):
    operation(handle, 0x49)


def set_state(handle, nr_queues):
    """Values that differ in each field of each queue."""
    queues = b"".join(
        struct.pack("=HHHHHHI", 10 + i, 20 + i, 30 + i, 40 + i, 256, 512,
                    QUEUE_ENABLED if i == 0 else 0)
        for i in range(nr_queues))
    buffer = ctypes.create_string_buffer(queues, len(queues))
    ioctl(handle, 0x4A, "=IIQIHBB6sHIIQ", STATE_STOPPED, FEATURES,
          TUN_F_CSUM | TUN_F_TSO4, 12, ENDIAN_LITTLE, 0,
          bytes.fromhex("525400010203"), 1, 16, nr_queues,
          ctypes.addressof(buffer))


def open_queue(ifname, flags=0):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags |= IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("=16sH22x", ifname.encode(), flags))
    fcntl.ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4)
    return fd


def interface_up(ifname):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS,
                    struct.pack("=16sH22x", ifname.encode(), 1))


def send_packets(ifname, packets):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((ifname, 0x88B5))
        frame = b"\xff" * 6 + b"\x52\x54\0\0\0\1" + b"\x88\xb5" + bytes(46)
        for _ in range(packets):
            sock.send(frame)


def tool(*args, status=0, **options):
    """Run the tool. Return: its standard output; its error with a status."""
    done = subprocess.run([TOOL, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=BOUND_S,
                          check=False, **options)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == status, \
        f"{args}: exit {done.returncode}, not {status}: {out}{err}"
    if status:
        assert not out, f"{args}: printed {out!r} and failed"
        return err
    assert not err, f"{args}: {err}"
    return out


def tool_json(*args):
    return json.loads(tool("-j", *args))


class Nic:
    """A keep "vm1" of two queues of tap0, its state exported.

    Closed after the test, if not before.
    """

    all = []

    def __init__(self, name="vm1", ifname="tap0", queues=2, lease_ms=0):
        self.owner = -1
        self.queues = [open_queue(ifname) for _ in range(queues)]
        Nic.all.append(self)
        interface_up(ifname)
        self.owner = create(name, 4096, lease_ms)
        for queue in self.queues:
            pin(self.owner, queue)
        set_state(self.owner, queues)

    def die(self):
        """As if the owner had been killed."""
        os.close(self.owner)
        self.owner = -1

    def close(self):
        for fd in [self.owner, *self.queues]:
            if fd >= 0:
                os.close(fd)
        Nic.all.remove(self)


class Monitor:
    """The tool's monitor, listening for sure. Ends with the test."""

    all = []

    def __init__(self, *args):
        self.process = subprocess.Popen(
            [TOOL, "monitor", *args], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        Monitor.all.append(self)
        self.lines = []
        self.rest = b""
        self.wait_until_it_listens()

    def wait_until_it_listens(self):
        for attempt in range(BOUND_S * 10):
            handle = create(f"probe-{attempt}")
            release(handle)
            os.close(handle)
            if self.read_until("probe-", 0.1):
                break
        else:
            raise AssertionError("the monitor prints nothing")
        self.read_rest()
        self.lines.clear()

    def read_some(self, seconds):
        """Return: the lines that came, when some came."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return []
        data = os.read(self.process.stdout.fileno(), 65536)
        assert data, "the monitor ended"
        *lines, self.rest = (self.rest + data).split(b"\n")
        lines = [line.decode() for line in lines]
        self.lines += lines
        return lines

    def read_until(self, text, seconds=BOUND_S):
        """Was there a line with this text?"""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if any(text in line for line in self.read_some(left)):
                return True
        return False

    def read_rest(self):
        """Everything up to a second of silence, but not for ever."""
        until = time.monotonic() + BOUND_S
        while time.monotonic() < until and self.read_some(1):
            pass

    def end(self, sig=signal.SIGTERM):
        """Return: exit status and standard error."""
        if sig:
            self.process.send_signal(sig)
        _, err = self.process.communicate(timeout=BOUND_S)
        return self.process.returncode, err.decode()


# The tests. Each begins in a new namespace, whose name it is given.

def test_nothing_to_show(_):
    assert tool() == ""
    assert tool("show") == ""
    assert tool_json() == []


def test_text(netns):
    """All that plain "show" has to say about a keep, for a person."""
    Nic()
    text = tool("show", "vm1")
    for words in ("vm1: dev tap0 netns " + netns, "state active",
                  "generation 1", "queues 2", f"owner {os.getpid()} (", "uid 0",
                  "lease 30s", "hold 4096", "held 0", "peak 0", "dropped 0",
                  "blackout 0.000ms", "longest 0.000ms", "offloads csum,tso4",
                  "vnet-hdr 12"):
        assert words in text, f"no {words!r} in {text}"
    assert text == tool() == tool("show", "name", "vm1")
    for words in ("held-total", "stolen", "ring", "features", "mac"):
        assert words not in text, f"{words!r} in {text}"


def test_json(netns):
    Nic()
    keep, = tool_json("show", "vm1")
    with open(f"/proc/{os.getpid()}/comm", encoding="utf-8") as comm:
        expected = {
            "name": "vm1", "ifname": "tap0",
            "ifindex": socket.if_nametoindex("tap0"), "netns_name": netns,
            "netns": os.stat("/proc/self/ns/net").st_ino, "state": "active",
            "generation": 1, "nr_queues": 2, "owner_pid": os.getpid(),
            "owner_comm": comm.read().rstrip("\n"), "uid": 0,
            "lease_ms": 30000, "hold_limit": 4096, "held": 0, "peak": 0,
            "dropped": 0, "draining": False, "blackout_ns": 0,
            "blackout_max_ns": 0, "offloads": ["csum", "tso4"],
            "vnet_hdr_len": 12,
        }
    assert keep == expected, keep
    assert [keep] == tool_json()


def test_what_was_stolen_is_always_shown(_):
    lose_packets()
    assert "stolen 1 " in tool()
    keep, = tool_json()
    assert keep["stolen"] == 1
    assert keep["dropped"] > 0


def test_statistics_and_details(_):
    Nic()
    statistics, = tool_json("-s", "show")
    assert statistics["held_total"] == statistics["stolen"] == 0
    assert statistics["queues"][1] == {
        "index": 1, "ring_used": 0,
        "ring_size": statistics["queues"][1]["ring_size"]}
    assert "mac" not in statistics
    details, = tool_json("-d")
    assert "held_total" not in details
    assert details["mac"] == "52:54:00:01:02:03"
    assert details["features"] == hex(FEATURES)
    assert details["vnet_hdr_endian"] == "little"
    assert details["active_queue_pairs"] == 1
    assert details["stopped"] is True
    for i, queue in enumerate(details["queues"]):
        assert queue["index"] == i
        assert queue["enabled"] is (i == 0)
        assert queue["rx"] == {"size": 256, "last_avail": 10 + i,
                               "used": 20 + i}
        assert queue["tx"] == {"size": 512, "last_avail": 30 + i,
                               "used": 40 + i}
    text = tool("-s", "-d")
    for words in ("stolen 0", "held-total 0", "endian little", "mac 52:54:00:01:02:03",
                  f"features {FEATURES:#x}", "active-pairs 1", "stopped",
                  "queue 0 ring 0/", "enabled rx size 256 avail 10 used 20 "
                  "tx size 512 avail 30 used 40", "queue 1 ring 0/"):
        assert words in text, f"no {words!r} in {text}"


def test_options_before_and_after(_):
    Nic()
    expected = tool("-j", "-s", "-d", "show", "vm1")
    assert json.loads(expected)[0]["queues"]
    for args in (["show", "vm1", "-j", "-s", "-d"],
                 ["-j", "show", "-s", "vm1", "-d"],
                 ["--json", "--statistics", "--details", "show", "vm1"],
                 ["-json", "-stat", "-stats", "-det", "sh", "vm1"],
                 ["-s", "-j", "-d"]):
        assert tool(*args) == expected, args


def test_prefixes(_):
    Nic()
    for word in ("sh", "sho", "show"):
        assert tool(word, "vm1") == tool()
    for word in ("h", "he", "hel", "help"):
        assert tool(word).startswith("Usage: tapkeep")
    assert tool("rel", "vm1") == ""
    assert tool() == ""


def test_names_that_look_like_something_else(_):
    handles = [create(name) for name in ("help", "-j", "name", "show")]
    assert "help:" in tool("show", "name", "help")
    assert tool("show", "help").startswith("Usage:")
    assert tool("show", "--", "-j").startswith("-j:")
    assert tool("show", "name").startswith("name:")
    assert tool("show", "show").startswith("show:")
    for handle in handles:
        os.close(handle)


def test_oneline_and_pretty(_):
    Nic()
    Nic("vm2", "tap1")
    assert len(tool("-o").splitlines()) == 2
    assert len(tool("-o", "-s", "-d", "show", "vm2").splitlines()) == 1
    assert len(tool("-s", "-d", "show", "vm2").splitlines()) > 4
    assert len(tool("-j", "-s", "-d").splitlines()) == 1
    pretty = tool("-j", "-p", "-s", "-d")
    assert len(pretty.splitlines()) > 40
    assert json.loads(pretty) == tool_json("-s", "-d")


def test_keeps_are_in_order(_):
    handles = [create(name) for name in ("b", "c", "a")]
    assert [keep["name"] for keep in tool_json()] == ["a", "b", "c"]
    assert [line.split(":")[0] for line in tool("-o").splitlines()] \
        == ["a", "b", "c"]
    for handle in handles:
        os.close(handle)


def test_color(_):
    Nic()
    assert "\033[" not in tool()
    assert "\033[" not in tool("-color=auto")
    assert "\033[" not in tool("-c=never")
    assert "\033[" not in tool("-c", "-j")
    colored = tool("-c")
    assert "\033[32mactive\033[0m" in colored
    assert re.sub("\033\\[[0-9;]*m", "", colored) == tool()


def test_hold_is_counted(_):
    nic = Nic(queues=1)
    freeze(nic.owner)
    send_packets("tap0", 3000)
    keep, = tool_json("-s")
    assert keep["state"] == "frozen"
    assert keep["held"] == 3000
    assert keep["queues"][0]["ring_used"] == 3000
    assert keep["queues"][0]["ring_size"] >= 4096
    assert "ring 3000/" in tool("-s")
    thaw(nic.owner)
    keep, = tool_json("-s")
    assert keep["state"] == "active"
    assert (keep["held"], keep["held_total"], keep["peak"]) == (0, 3000, 3000)
    assert keep["draining"] is True
    assert " draining " in tool()
    assert 0 < keep["blackout_ns"] <= keep["blackout_max_ns"]
    assert f"blackout {keep['blackout_ns'] // 1000 / 1000:.3f}ms" in tool()


def test_orphan(_):
    nic = Nic(lease_ms=60000)
    nic.die()
    keep, = tool_json()
    assert keep["state"] == "orphan"
    assert keep["lease_ms"] == 60000
    assert 0 < keep["lease_left_ms"] <= 60000
    assert "owner_pid" not in keep and "owner_comm" not in keep
    text = tool()
    assert re.search(r"owner none former \d+ \(.*\) uid 0 lease 60s left [0-9.]+s\n", text), text
    nic.owner = claim("vm1")
    keep, = tool_json()
    assert (keep["state"], keep["generation"]) == ("frozen", 2)
    assert "lease_left_ms" not in keep
    release(nic.owner)


def test_an_owner_with_a_strange_name(_):
    """What a terminal would obey is shown, and JSON stays JSON."""
    with open("/proc/self/comm", "rb") as comm:
        before = comm.read().rstrip(b"\n")
    LIBC.prctl(PR_SET_NAME, b'a"\\\x1b[1m\xff\xc3\xa9\n')
    handle = create("strange")
    LIBC.prctl(PR_SET_NAME, before)
    keep, = tool_json()
    assert keep["owner_comm"] == 'a"\\\x1b[1m\ufffd\u00e9\n', keep
    text = tool()
    assert 'a"\\\\x1b[1m\\xff\u00e9\\x0a' in text, text
    os.close(handle)


def test_what_is_typed_wrong_exits_1(_):
    Nic()
    for args, words in ((["shwo"], 'no command "shwo"'),
                        (["-x"], 'no option "-x"'),
                        (["show", "-jx"], 'no option "-jx"'),
                        (["show", "a", "b"], '"b"'),
                        (["show", ""], "not empty"),
                        (["s"], '"s" can be show or set'),
                        (["release"], "Which keep?"),
                        (["release", ""], "not empty"),
                        (["release", "vm1", "vm2"], '"vm2"'),
                        (["release", "vm1", "gen"], "needs a number"),
                        (["release", "vm1", "gen", "0"], '"0"'),
                        (["release", "vm1", "gen", "1x"], '"1x"'),
                        (["release", "vm1", "gen", "1", "gen"], '"gen"'),
                        (["set"], "of which keep?"),
                        (["set", "vm1"], "of which keep?"),
                        (["set", "vm1", "lease"], "needs a number"),
                        (["set", "vm1", "lease", "0"], '"0"'),
                        (["set", "vm1", "lease", "-1"], '"-1"'),
                        (["set", "vm1", "hold", "5000000000"], '"5000000000"'),
                        (["set", "vm1", "color", "1"], '"color"'),
                        (["monitor", "vm1"], '"vm1"'),
                        (["-n"], "-netns needs"),
                        (["-n", "nowhere"], '"nowhere"'),
                        (["-n", "/proc/self/ns/uts"], "not a network"),
                        (["-color=pink"], '"pink"'),
                        (["show", "x" * 64], "63")):
        err = tool(*args, status=1)
        assert words in err, f"{args}: {err}"
        assert err.startswith("tapkeep: ") and err.count("\n") == 1, err
    assert len(tool_json()) == 1


def test_what_the_kernel_refuses_exits_2(_):
    for args in (["show", "none"], ["-j", "show", "none"],
                 ["release", "none"]):
        err = tool(*args, status=2)
        assert "none: There is no keep of this name" in err, err


def test_help_and_version(_):
    assert tool("help") == tool("-h") == tool("--help")
    assert re.fullmatch(r"tapkeep \d+\.\d+\n", tool("-V"))
    for word in ("show", "monitor", "release"):
        assert word in tool("help")
        assert tool(word, "help").startswith(f"Usage: tapkeep [ OPTIONS ] "
                                             f"{word}")


def test_another_namespace(netns):
    Nic()
    with in_initial_namespace():
        assert tool("show") == ""
        for args in (["-n", netns], ["-netns", netns], ["show", "-n", netns],
                     ["--netns", f"/run/netns/{netns}"]):
            assert tool(*args).startswith("vm1: dev tap0"), args
        tool("-n", netns, "release", "vm1")
        assert tool("-n", netns) == ""


def test_a_namespace_without_a_name(netns):
    Nic()
    delete_namespace(netns)
    keep, = tool_json()
    assert keep["netns"] == os.stat("/proc/self/ns/net").st_ino
    assert "netns_name" not in keep
    assert f"netns {keep['netns']} " in tool()


def has_values_in_acks():
    """From 6.2 on the kernel's words can have numbers in them."""
    return tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 2)


def test_release(_):
    Nic()
    Nic("vm2", "tap1")
    tool("release", "vm1")
    assert [keep["name"] for keep in tool_json()] == ["vm2"]
    tool("release", "name", "vm2")
    assert tool_json() == []
    assert "There is no keep" in tool("release", "vm1", status=2)


def test_release_of_a_generation(_):
    """Nobody ends by mistake what somebody has claimed meanwhile."""
    nic = Nic()
    looked_at = tool_json()[0]["generation"]
    claimer = claim("vm1", force=True)
    err = tool("release", "vm1", "generation", str(looked_at), status=2)
    if "Generation" in err:
        assert f"Generation 2 now, owned by {os.getpid()} (" in err, err
    else:
        assert not has_values_in_acks() and "not the generation" in err, err
    assert tool_json()[0]["generation"] == 2
    tool("release", "name", "vm1", "gen", "2")
    assert tool_json() == []
    nic.die()
    os.close(claimer)

    Nic("name", "tap1")
    tool("release", "name", "generation", "1")
    assert tool_json() == []


def test_set(_):
    Nic()
    Nic("name", "tap1")
    assert tool("set", "vm1", "lease", "45000", "-j") == ""
    assert tool("set", "name", "vm1", "hold", "2000") == ""
    assert tool("set", "name", "lease", "5000", "hold-limit", "3000") == ""
    keep, other = sorted(tool_json(), key=lambda keep: -keep["lease_ms"])
    assert (keep["lease_ms"], keep["hold_limit"]) == (45000, 2000), keep
    assert (other["name"], other["lease_ms"], other["hold_limit"]) == \
        ("name", 5000, 3000), other
    err = tool("set", "vm1", "lease", "3600001", status=2)
    assert "maximum" in err, err
    err = tool("set", "vm1", "lease", "1000", status=2, user=NOBODY)
    assert "CAP_NET_ADMIN" in err, err


def test_a_stranger_may_look_and_not_release(_):
    Nic()
    err = tool("release", "vm1", status=2, user=NOBODY, group=NOBODY,
               extra_groups=[])
    assert "CAP_NET_ADMIN" in err, err
    assert tool("show", user=NOBODY, group=NOBODY, extra_groups=[]) \
        .startswith("vm1:")


def lose_packets():
    """A hold that drops some, from which others are stolen."""
    nic = Nic("loser", "tap2", queues=1)
    freeze(nic.owner)
    set_state(nic.owner, 1)
    send_packets("tap2", 5000)
    os.read(nic.queues[0], 2000)
    thaw(nic.owner)


def live_through_everything():
    """Given a keep, every event but those of its other ends and of lost packets."""
    nic = Nic("life")
    freeze(nic.owner)
    fd = offer(nic.owner)
    revoke(nic.owner)
    os.close(fd)
    fd = offer(nic.owner)
    second = claim_offer(fd)
    os.close(fd)
    thaw(second)
    os.close(second)
    third = claim("life")
    release(third)
    os.close(third)
    nic.close()
    return ["created", "frozen", "offered", "revoked", "offered", "claimed",
            "thawed", "orphaned", "claimed", "released"]


def test_monitor_in_text(netns):
    monitor = Monitor()
    expected = live_through_everything()
    monitor.read_until(" released ")
    assert monitor.end() == (0, "")
    assert [line.split()[1] for line in monitor.lines] == expected, \
        monitor.lines
    for line in monitor.lines:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d{4} "
                        r"[a-z-]+ life: ", line), line
    orphaned = monitor.lines[expected.index("orphaned")]
    for words in (f"netns {netns}", "state orphan generation 2",
                  "owner none"):
        assert words in orphaned, orphaned


def test_monitor_in_json(_):
    monitor = Monitor("-j", "-s", "-d")
    expected = live_through_everything()
    monitor.read_until('"released"')
    assert monitor.end(signal.SIGINT) == (0, "")
    events = [json.loads(line) for line in monitor.lines]
    assert [event["event"] for event in events] == expected
    assert [event["generation"] for event in events] \
        == [1, 1, 1, 1, 1, 2, 2, 2, 3, 3]
    assert all(event["name"] == "life" and event["timestamp"]
               for event in events)
    assert events[1]["queues"][0]["rx"]["last_avail"] == 10


def test_monitor_sees_an_expired_lease_and_a_deleted_interface(_):
    monitor = Monitor("-j")
    nics = [Nic("short", lease_ms=200), Nic("gone", "tap1")]
    nics[0].die()
    assert monitor.read_until('"expired"'), monitor.lines
    subprocess.run(["ip", "link", "delete", "tap1"], check=True,
                   timeout=BOUND_S)
    assert monitor.read_until('"device-gone"'), monitor.lines
    assert monitor.end() == (0, "")
    events = [json.loads(line) for line in monitor.lines]
    ends = {event["event"]: event for event in events
            if event["state"] == "ended"}
    assert ends["expired"]["name"] == "short"
    assert ends["device-gone"]["name"] == "gone"


def test_monitor_says_what_it_missed(_):
    nic = Nic(queues=1)
    monitor = Monitor("-j")
    monitor.process.send_signal(signal.SIGSTOP)
    for _ in range(4000):
        freeze(nic.owner)
        thaw(nic.owner)
    monitor.process.send_signal(signal.SIGCONT)
    assert monitor.read_until('"overrun"'), "no overrun"
    # The kernel sends nothing new before what it sent has been read.
    monitor.read_rest()
    tool("release", "vm1")
    assert monitor.read_until('"released"'), "it did not go on"
    assert monitor.end() == (0, "")
    assert len(monitor.lines) < 8000
    assert all(json.loads(line)["timestamp"] for line in monitor.lines)


def test_monitor_ends_with_its_reader(_):
    monitor = Monitor()
    monitor.process.stdout.close()
    monitor.process.stdout = None
    status, err = monitor.end(None)
    assert (status, err) == (0, ""), (status, err)


def test_what_cannot_be_written_is_an_error(_):
    Nic()
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([TOOL, "show"], stdout=full,
                              stderr=subprocess.PIPE, timeout=BOUND_S,
                              check=False)
    assert done.returncode == 2
    assert b"No space left" in done.stderr, done.stderr


def test_completion(netns):
    Nic()
    script = f"""
        PATH={os.path.dirname(TOOL)}:$PATH
        . {TOP}/user/tapkeep/tapkeep.bash
        complete_it() {{
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _tapkeep
            echo "${{COMPREPLY[*]}}"
        }}
        complete_it tapkeep ''
        complete_it tapkeep m
        complete_it tapkeep show v
        complete_it tapkeep -j release ''
        complete_it tapkeep -j
        complete_it tapkeep -n {netns[:-1]}
    """
    done = subprocess.run(["bash", "-uc", script], stdout=subprocess.PIPE,
                          timeout=BOUND_S, check=True)
    lines = done.stdout.decode().splitlines()
    assert lines[:5] == ["show monitor release set help", "monitor", "vm1",
                         "help vm1", "-json"], lines
    assert netns in lines[5].split(), lines


def test_without_the_module(_):
    """Unloading ends the monitor; without it, the tool says what to do."""
    module, = glob.glob(f"{BUILD}/kernel/{os.uname().release}/tapkeep.ko")
    monitor = Monitor()
    subprocess.run(["rmmod", "tapkeep"], check=True, timeout=BOUND_S)
    try:
        status, err = monitor.end(None)
        assert status == 2 and "unloaded" in err, (status, err)
        for args in ([], ["show", "vm1"], ["release", "vm1"], ["monitor"]):
            err = tool(*args, status=2)
            assert "modprobe tapkeep" in err, err
        assert "Usage" in tool("help")
    finally:
        subprocess.run(["insmod", module], check=True, timeout=BOUND_S)
    assert tool() == ""


# Running them.

INITIAL_NETNS = os.open("/proc/self/ns/net", os.O_RDONLY)


def delete_namespace(name):
    subprocess.run(["ip", "netns", "delete", name], check=True,
                   timeout=BOUND_S)


def enter(fd):
    if LIBC.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def in_initial_namespace():
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    enter(INITIAL_NETNS)
    try:
        yield
    finally:
        enter(here)
        os.close(here)


@contextlib.contextmanager
def new_namespace(name):
    subprocess.run(["ip", "netns", "add", name], check=True, timeout=BOUND_S)
    fd = os.open(f"/run/netns/{name}", os.O_RDONLY)
    enter(fd)
    os.close(fd)
    try:
        for scope in ("all", "default"):
            with open(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6", "w",
                      encoding="utf-8") as file:
                file.write("1")
        yield
    finally:
        tidy_up()
        enter(INITIAL_NETNS)
        if os.path.exists(f"/run/netns/{name}"):
            delete_namespace(name)


def tidy_up():
    """What a test left, whatever happened to it."""
    for monitor in Monitor.all:
        if monitor.process.poll() is None:
            monitor.process.kill()
        monitor.process.wait()
    Monitor.all.clear()
    for nic in Nic.all[:]:
        nic.close()
    for keep in tool_json():
        tool("release", "name", keep["name"])


def run(number, test):
    name = test.__name__.removeprefix("test_")
    try:
        with new_namespace(f"tool-{number}"):
            test(f"tool-{number}")
    except Exception:  # pylint: disable=broad-except
        for line in traceback.format_exc().splitlines():
            print("#", line)
        print("not ok", number, name, flush=True)
        return False
    print("ok", number, name, flush=True)
    return True


def main(names):
    """Runs the tests among @names, a module's globals."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    tests = [value for name, value in names.items()
             if name.startswith("test_")]
    print("KTAP version 1")
    print(f"1..{len(tests)}", flush=True)
    passed = [run(number, test) for number, test in enumerate(tests, 1)]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(globals()))
