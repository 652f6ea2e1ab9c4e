# SPDX-License-Identifier: GPL-2.0-or-later
"""Real QEMUs, a guest and traffic: what the swap tests and the demo share.

      10.77.0.1                                  10.77.0.2
    traffic host -- br0 -- tap0 -- [QEMU 1] --+-- traffic guest
                      |                       |   (RAM: a file, shared)
                      +--- (tap1) - [QEMU 2] -+

QEMU 2 takes the guest over from QEMU 1 by a migration over a Unix socket that
leaves the RAM where it is. Which TAP it uses is the scenario's.
"""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import machine
from qmp import Qmp, QmpError, event_time, set_policy
from shell import Shell

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
HOST_ADDRESS, GUEST_ADDRESS = "10.77.0.1", "10.77.0.2"
BRIDGE, BRIDGE_MAC, GUEST_MAC = "br0", "02:77:00:00:00:01", "02:77:00:00:00:02"
CONTROL_PORT = 7700
GUEST_MEMORY_MB = 128
BOOT_TIMEOUT_S = 90
MIGRATION_TIMEOUT_S = 60
# Real-time: QEMU's threads, those of them that move packets, vCPUs, the traffic.
VMM_PRIORITY, NET_PRIORITY, VCPU_PRIORITY, TRAFFIC_PRIORITY = 1, 2, 3, 4
TAIL_LINES = 25
CAPABILITIES = "events", "return-path", "x-ignore-shared"


class VmmError(Exception):
    """The scene could not be set, or did not hold."""


class MigrationFailed(VmmError):
    """The source says that the migration failed."""


def build_path(*parts):
    return pathlib.Path(os.environ.get("TAPKEEP_BUILD") or TOP / "build",
                        *parts)


def setting(name, default):
    """A path from the environment, or where the build puts it."""
    path = pathlib.Path(os.environ.get(name) or default)
    if not path.exists():
        raise VmmError(f"there is no {path}: build it, or set {name}")
    return str(path)


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True,
                          timeout=30, check=False)
    if check and done.returncode:
        raise VmmError(f"{' '.join(command)}: exit status {done.returncode}: "
                       f"{done.stderr.strip()}")
    return done.stdout


def tail(path, lines=TAIL_LINES):
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8",
                                            errors="replace")
    except FileNotFoundError:
        return "(no such file)"
    return "\n".join(text.splitlines()[-lines:]) or "(empty)"


def set_priority(task, priority):
    set_policy(os.SCHED_FIFO, task, priority)


def wait_until(condition, timeout, what):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise VmmError(f"{what}: waited for {timeout} s in vain")
        time.sleep(0.05)


def interface_exists(name):
    return os.path.exists(f"/sys/class/net/{name}")


class Network:
    """The bridge, with an address of the host's. The TAPs are the QEMUs'."""

    def __enter__(self):
        self.remove()
        run("ip", "link", "add", BRIDGE, "address", BRIDGE_MAC, "type",
            "bridge", "forward_delay", "0", "stp_state", "0",
            "mcast_snooping", "0")
        self.quiet(BRIDGE)
        run("ip", "address", "add", f"{HOST_ADDRESS}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        return self

    def __exit__(self, *_):
        self.remove()

    @staticmethod
    def remove():
        if interface_exists(BRIDGE):
            run("ip", "link", "delete", BRIDGE)

    @staticmethod
    def quiet(name):
        """No packets but those that are counted."""
        path = pathlib.Path("/proc/sys/net/ipv6/conf", name, "disable_ipv6")
        if path.exists():
            path.write_text("1", encoding="ascii")

    def attach(self, tap):
        self.quiet(tap)
        run("ip", "link", "set", tap, "master", BRIDGE, "up")

    @staticmethod
    def dropped(tap):
        path = pathlib.Path("/sys/class/net", tap, "statistics/tx_dropped")
        return int(path.read_text(encoding="ascii"))


@dataclasses.dataclass
class Scenario:
    """How the second QEMU gets to the guest's packets."""
    name: str
    vhost: bool
    queues: int = 1
    local: bool = True
    keep: str | None = None
    source_tap: str = "tap0"
    target_tap: str = "tap0"

    def netdev(self, incoming):
        raise NotImplementedError

    def options(self, *more):
        queues = [f"queues={self.queues}"] if self.queues > 1 else []
        return ",".join(["tap,id=net0", *more, *queues,
                         f"vhost={'on' if self.vhost else 'off'}"])

    def extra(self):
        return []

    @staticmethod
    def opened(tap):
        return [f"ifname={tap}", "script=no", "downscript=no"]


class Reopen(Scenario):
    """Stock QEMU: the target has a TAP of its own on the same bridge."""

    def __init__(self, vhost, queues=1):
        super().__init__("reopen", vhost, queues, local=False,
                         target_tap="tap1")

    def netdev(self, incoming):
        return self.options(*self.opened(self.target_tap if incoming
                                         else self.source_tap))


class Local(Scenario):
    """Descriptor passing: the target's TAP comes with the stream."""

    def __init__(self, vhost, queues=1):
        super().__init__("local", vhost, queues)

    def netdev(self, incoming):
        opened = [] if incoming else self.opened(self.source_tap)
        return self.options(*opened, "x-permit-local-migration=on")

    def extra(self):
        return ["-global", "migration.local=on"]


class Tapkeep(Scenario):
    """The module keeps the TAP; both QEMUs have the same command line."""

    def __init__(self, vhost, queues=1, keep="vm1"):
        super().__init__("tapkeep", vhost, queues, keep=keep)

    def netdev(self, incoming):
        return self.options(*self.opened(self.source_tap),
                            f"tapkeep={self.keep}")


class Vmm:
    """One QEMU process."""

    def __init__(self, scene, scenario, name, incoming=False, cpus=1,
                 paused=False, channels=0, plugged=True, traces=None,
                 process=None, shell=False, words=(),
                 nic="virtio-net-pci-non-transitional", more=(), qemu=None):
        """@words of the guest's command line, a @nic with options that take
        precedence, @more of QEMU's command line; another @qemu.
        """
        self.scene = scene
        self.qemu = qemu or scene.qemu
        self.scenario = scenario
        self.name = name
        self.incoming = incoming
        self.cpus = cpus
        self.channels = channels
        self.plugged = plugged
        self.traces = traces    # a directory, and the events to log there
        self.words = [*words, *(["tapkeep.shell=ttyS1"] if shell else [])]
        self.model = nic
        self.more = more
        self.shell_path = scene.path(f"{name}.shell") if shell else None
        self.qmp_path = scene.path(f"{name}.qmp")
        self.stop_path = scene.path(f"{name}.stop")
        self.log_path = scene.path(f"{name}.log")
        self.channel = scene.path(f"{name}.sock")
        self.qmp = None
        self.movers = []        # of packets: QEMU's threads
        command = self.command()
        if incoming:
            command += self.waits()
        if paused:
            command += ["-S"]
        with open(self.log_path, "wb") as log:
            log.write((" ".join(command) + "\n").encode())
            log.flush()
            self.process = subprocess.Popen(command, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL,
                                            **(process or {}))
        self.start_time = time.monotonic()

    @staticmethod
    def waits():
        return ["-incoming", "defer"]

    def ram(self):
        return f"memory-backend-file,id=ram,size={GUEST_MEMORY_MB}M," \
               f"share=on,prealloc=on,mem-path={self.scene.ram}"

    def command(self):
        return [self.qemu, *firmware(), "-name", f"guest={self.name}",
                "-nodefaults", "-no-user-config", "-display", "none",
                # Without devices that a guest with kvmclock has no use for,
                # and whose state is saved and loaded in the stop; and without
                # the stream's description of itself, which is for debugging.
                "-machine", "pc,accel=kvm,memory-backend=ram,smm=off,"
                            "vmport=off,hpet=off,pit=off,suppress-vmdesc=on",
                # A guest that can nest keeps nested state, which does not
                # always survive in a VM that is nested itself.
                "-cpu", "host,-svm,-vmx", "-smp", str(self.cpus),
                "-m", f"{GUEST_MEMORY_MB}M", "-object", self.ram(),
                *self.scene.guest(self.channels, self.words),
                "-chardev", f"file,id=console,path={self.scene.console},"
                            "append=on",
                "-serial", "chardev:console",
                *(["-serial", f"unix:{self.shell_path},server=on,wait=off"]
                  if self.shell_path else []),
                *(word for path in (self.qmp_path, self.stop_path)
                  for word in ("-qmp", f"unix:{path},server=on,wait=off")),
                *(self.nic() if self.plugged else []), *self.tracing(),
                *self.more]

    def tracing(self):
        if not self.traces:
            return []
        directory, events = self.traces
        return [word for event in events
                for word in ("-trace", f"enable={event}")] + [
                    "-msg", "timestamp=on",
                    "-D", os.path.join(directory, f"{self.name}.trace")]

    def nic(self):
        model, *options = self.model.split(",")
        words = [model, "netdev=net0", f"mac={GUEST_MAC}", "romfile="]
        if self.scenario.queues > 1:
            words += ["mq=on", f"vectors={2 * self.scenario.queues + 2}"]
        return ["-netdev", self.scenario.netdev(self.incoming),
                "-device", ",".join(words + options), *self.scenario.extra()]

    def connect(self):
        self.qmp = Qmp(self.qmp_path, alive=lambda: self.process.poll() is None)
        self.hurry()
        return self

    def hurry(self):
        """QEMU before all that is not measured, and in it what the guest needs.

        What is to be seen is how long the guest cannot run, not how long it
        waits for its turn behind the programs here, a vhost with a backlog, or
        a QEMU that it is not in, or not any more.
        """
        if self.cpus > 1:
            return
        self.qmp.give_way()
        pid = self.process.pid
        vcpus = {cpu["thread-id"]
                 for cpu in self.qmp.command("query-cpus-fast")}
        for task in map(int, os.listdir(f"/proc/{pid}/task")):
            with contextlib.suppress(OSError):
                name = pathlib.Path(f"/proc/{pid}/task/{task}/comm").read_text(
                    "utf-8")
                set_priority(task, VCPU_PRIORITY if task in vcpus
                             else VMM_PRIORITY)
                if task == pid or name.startswith("vhost"):
                    self.movers.append(task)
        if not self.incoming:
            self.move(NET_PRIORITY)

    def move(self, priority):
        """Packets, with this priority."""
        for task in self.movers:
            with contextlib.suppress(OSError):
                set_priority(task, priority)

    @functools.cached_property
    def shell(self):
        return Shell(self.shell_path)

    def alive(self):
        return self.process.poll() is None

    def status(self):
        return self.qmp.command("query-status")["status"]

    def kill(self):
        """kill -9, and no later than now."""
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)
        if self.qmp:
            self.qmp.close()

    def quit(self):
        with contextlib.suppress(QmpError):
            self.qmp.command("quit", timeout=10)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        self.kill()

    def capability(self, name, on=True):
        self.qmp.command("migrate-set-capabilities", {
            "capabilities": [{"capability": name, "state": on}]})

    def prepare_migration(self, local=None, capabilities=CAPABILITIES):
        for name in capabilities:
            self.capability(name)
        if local is None:
            local = self.scenario.local
        if local or self.qmp.command("query-migrate-parameters").get("local"):
            self.qmp.command("migrate-set-parameters", {"local": local})

    def listen(self, path=None):
        self.qmp.command("migrate-incoming",
                         {"uri": f"unix:{path or self.channel}"})

    def said(self):
        """What it logged, without the command line."""
        return "\n".join(tail(self.log_path).splitlines()[1:])

    def report(self):
        state = "running" if self.alive() else \
            f"ended with status {self.process.returncode}"
        return f"--- {self.name} ({state}), the end of its log:\n" \
               f"{tail(self.log_path)}\n" + (
                   f"--- {self.name}'s events: {self.qmp.names()}\n"
                   if self.qmp else "")


def tapkeep(*arguments):
    """Run the tool."""
    return run(setting("TAPKEEP_TOOL", build_path("user/tapkeep")),
               *arguments)


def firmware():
    """Where a QEMU that was not installed finds its blobs."""
    return [word for path in ("/usr/share/seabios", "/usr/share/qemu")
            for word in ("-L", path) if os.path.isdir(path)]


@dataclasses.dataclass
class Swap:
    """What QEMU says about one swap."""
    stop: float
    resume: float
    downtime_ms: int
    # When the guest ran last in the source, and first in the target.
    still: tuple[float, float] | None = None

    @property
    def guest_stop_ms(self):
        return (self.resume - self.stop) * 1000

    @property
    def guest_still_ms(self):
        return (self.still[1] - self.still[0]) * 1000


class Scene:
    """A directory for everything that one guest's life leaves."""

    def __init__(self, network):
        self.network = network
        self.qemu = setting("TAPKEEP_QEMU", build_path(
            "qemu", os.environ.get("TAPKEEP_QEMU_SERIES") or "",
            "qemu-system-x86_64"))
        self.kernel = setting("TAPKEEP_GUEST_KERNEL",
                              build_path("tests/guest/vmlinuz"))
        self.initrd = setting("TAPKEEP_GUEST_INITRD",
                              build_path("tests/guest/initramfs.cpio"))
        try:
            machine.prepare(GUEST_MEMORY_MB)
        except machine.MachineError as err:
            raise VmmError(str(err)) from err
        self.dir = tempfile.mkdtemp(prefix="tapkeep-swap-")
        self.ram = os.path.join(machine.HUGE_DIR,
                                f"{os.path.basename(self.dir)}.ram")
        self.console = self.path("console.log")
        self.vmms = []
        self.runs = 0

    def path(self, name):
        return os.path.join(self.dir, name)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _trace):
        if isinstance(error, Exception) and \
                not getattr(error, "reported", False):
            error.reported = True
            error.args = (f"{error}\n{self.report()}",)
        self.close()

    def close(self):
        """End it before its time, for another to begin."""
        for vmm in self.vmms:
            vmm.kill()
        self.release_keeps()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.ram)
        shutil.rmtree(self.dir, ignore_errors=True)

    def guest(self, channels, more=()):
        """QEMU's arguments for the guest's kernel, with @more words."""
        words = ["console=ttyS0", "panic=-1", "quiet", "mitigations=off",
                 f"tapkeep.ip={GUEST_ADDRESS}/24",
                 "tapkeep.run=/bin/traffic,guest,--interface,eth0" +
                 (f",--channels,{channels}" if channels else ""), *more]
        return ["-kernel", self.kernel, "-initrd", self.initrd,
                "-append", " ".join(words)]

    def start(self, scenario, name, kind=Vmm, **options):
        vmm = kind(self, scenario, name, **options)
        self.vmms.append(vmm)
        return vmm.connect()

    def boot(self, scenario, name="source", **options):
        """A QEMU, and the guest in it up to the point where it answers."""
        vmm = self.start(scenario, name, **options)
        self.network.attach(scenario.source_tap)
        self.wait_guest(vmm)
        return vmm

    def target(self, scenario, name="target", **options):
        """A QEMU that waits for the guest."""
        vmm = self.start(scenario, name, incoming=True, **options)
        if scenario.target_tap != scenario.source_tap:
            self.network.attach(scenario.target_tap)
        vmm.prepare_migration()
        vmm.listen()
        return vmm

    def wait_guest(self, vmm, timeout=BOOT_TIMEOUT_S):
        end = time.monotonic() + timeout
        while not guest_answers():
            if not vmm.alive():
                raise VmmError(f"{vmm.name} ended while the guest booted")
            if time.monotonic() > end:
                raise VmmError(f"the guest did not answer within {timeout} s: "
                               "it hangs")
            time.sleep(0.1)

    def swap(self, source, target, burst=None):
        """Migrate, and wait until the guest runs in @target.

        @burst: the traffic that is to send one into the stop
        """
        since, target_since = source.qmp.mark(), target.qmp.mark()
        source.prepare_migration()
        if burst:
            burst.burst_on_stop(source)
        waiter = threading.get_native_id()

        def stopped(_event):
            # Until the guest runs the kernel's own threads come first.
            set_policy(os.SCHED_IDLE, waiter)
            source.move(VMM_PRIORITY)
            target.move(NET_PRIORITY)

        source.qmp.listen("STOP", stopped, TRAFFIC_PRIORITY)
        try:
            source.qmp.command("migrate", {"uri": f"unix:{target.channel}"})
            self.wait_migration(source, since)
            resume = target.qmp.event("RESUME", MIGRATION_TIMEOUT_S,
                                      target_since)
        finally:
            # A stop that comes later, when this has failed, is no swap's.
            source.qmp.ignore("STOP")
            set_policy(os.SCHED_OTHER)
        stop = source.qmp.event("STOP", 1, since)
        info = source.qmp.command("query-migrate")
        return Swap(event_time(stop), event_time(resume),
                    info.get("downtime", -1))

    @staticmethod
    def wait_migration(source, since=0):
        event = source.qmp.event(
            "MIGRATION", MIGRATION_TIMEOUT_S, since,
            lambda e: e["data"]["status"] in ("completed", "failed",
                                              "cancelled"))
        if event["data"]["status"] != "completed":
            info = source.qmp.command("query-migrate")
            raise MigrationFailed(
                f"migration {info['status']}: "
                f"{info.get('error-desc', 'no reason given')}")

    @staticmethod
    def keep(name):
        """What the tool says about the keep; None if there is none."""
        keeps = json.loads(tapkeep("-d", "-j", "show") or "[]")
        return next((keep for keep in keeps if keep["name"] == name), None)

    def release_keeps(self):
        """A QEMU that was killed leaves an orphan, which has the TAP."""
        for name in {vmm.scenario.keep for vmm in self.vmms}:
            if name and self.keep(name):
                tapkeep("release", name)
        for tap in {vmm.scenario.source_tap for vmm in self.vmms}:
            wait_until(lambda tap=tap: not interface_exists(tap), 10,
                       f"the end of {tap}")

    def traffic(self, **options):
        self.runs += 1
        return Traffic(self.runs, **options)

    def report(self):
        parts = [vmm.report() for vmm in self.vmms]
        return "".join(parts) + \
            f"--- the guest's console:\n{tail(self.console)}"


def guest_answers(timeout=1):
    try:
        with socket.create_connection((GUEST_ADDRESS, CONTROL_PORT),
                                      timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(b"PING\n")
            return connection.recv(16).startswith(b"OK")
    except OSError:
        return False


class Traffic:
    """The host's traffic program, and through it the guest's."""

    def __init__(self, number, rate=1000, flows=1, burst=3000):
        # Not on the first processor: there SRCU ends its grace periods, for which
        # KVM waits in the stop, and a burst would not let it.
        command = ["taskset", "--cpu-list", str(max(os.sched_getaffinity(0))),
                   "chrt", "--fifo", str(TRAFFIC_PRIORITY),
                   setting("TAPKEEP_TRAFFIC", build_path("bench/traffic")),
                   "host", "--guest", GUEST_ADDRESS, "--run", str(number),
                   "--rate", str(rate), "--flows", str(flows),
                   "--burst", str(burst)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0)
        self.buffer = b""

    def __enter__(self):
        try:
            self.line(60)
        except VmmError:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=10)

    def line(self, timeout):
        """One JSON object of its output."""
        end = time.monotonic() + timeout
        output = self.process.stdout.fileno()
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                raise VmmError(f"the traffic program said nothing in "
                               f"{timeout} s")
            data = os.read(output, 65536)
            if not data:
                raise VmmError("the traffic program failed (see above)")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)

    def burst(self):
        os.write(self.process.stdin.fileno(), b"b")

    def burst_on_stop(self, vmm):
        """When this QEMU stops its guest next. Nothing of ours is in between."""
        os.write(self.process.stdin.fileno(), f"s{vmm.stop_path}\n".encode())
        self.line(10)

    def finish(self):
        """Stop sending, wait for the rest, and get the counters."""
        os.write(self.process.stdin.fileno(), b"q")
        result = self.line(120)
        self.check_instrument(result)
        if losses(result):
            result["counters"] = counters()
        return result

    @staticmethod
    def check_instrument(result):
        """A loss has to be the network's, not the measurement's."""
        for end in ("host", "guest"):
            drops = result[f"{end}_drops"]
            if any(drops.values()) or result[f"{end}_send_errors"]:
                raise VmmError(
                    f"the {end}'s own sockets or backlog lost packets, so "
                    f"nothing can be said about the network: {drops}, send "
                    f"errors {result[f'{end}_send_errors']}")


def counters():
    """Where packets may have gone on the host's side, as those there say it."""
    return "".join(run(*command, check=False) for command in (
        ["ip", "-s", "link", "show"], ["tc", "-s", "qdisc", "show"],
        [setting("TAPKEEP_TOOL", build_path("user/tapkeep")), "-s", "show"]))


def losses(result):
    """What is wrong with a result, in words; empty if nothing is."""
    found = []
    for direction in ("to_guest", "from_guest"):
        row = result[direction]
        for what in ("lost", "duplicated", "reordered", "corrupt"):
            if row[what]:
                found.append(f"{direction}: {row[what]} {what} of "
                             f"{row['sent']} {row['holes']}")
    if not result["tcp_survived"]:
        found.append(f"TCP did not survive: {result['tcp_error']}")
    if "counters" in result:
        found.append(f"what was counted:\n{result['counters']}")
    return "; ".join(found)
