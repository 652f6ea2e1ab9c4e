#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the traffic program see what the swap tests rely on it to see?

Each end is played against packets that this program makes up: some left out,
some twice, some late, one spoiled, and a silence.
"""

import contextlib
import json
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import ktap  # noqa: E402
from vmm import build_path, setting, wait_until  # noqa: E402

CONTROL, STREAM, UDP = 7700, 7701, 7702
MAGIC, SIZE, RUN = 0x746B7470, 100, 5
HEADER = struct.Struct("<IIIIQQQ")
HERE = "127.0.0.1"
# What the host's end says of gaps: microseconds, and nothing of these.
ROUNDED_S = 2e-6
SHORT_S = 0.005
# A burst; one that takes longer than this ends with fewer.
BURST, BURST_MS = 200, 90


def packet(seq, run=RUN, received=0, spoil=False):
    filling = bytearray((seq * 131 + at * 7 + (seq >> 8)) & 0xFF
                        for at in range(SIZE - HEADER.size))
    if spoil:
        filling[-1] ^= 1
    return HEADER.pack(MAGIC, run, 0, SIZE, seq, received, received) + filling


def traffic(*arguments):
    return subprocess.Popen(
        [setting("TAPKEEP_TRAFFIC", build_path("bench/traffic")), *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(request):
    with socket.create_connection((HERE, CONTROL), 2) as connection:
        connection.settimeout(3)
        connection.sendall(request.encode() + b"\n")
        return connection.makefile().readline().strip()


def counters():
    return dict(word.split("=") for word in ask("STATUS").split()[1:])


def expect(found, **values):
    for key, value in values.items():
        ktap.check(str(found[key]) == str(value),
                   f"{key} is {found[key]}, not {value}: {found}")


@contextlib.contextmanager
def guest_end(rate):
    """The guest's end in a run: a socket that its packets come to."""
    guest = traffic("guest")
    try:
        ktap.check("ready" in guest.stdout.readline(), "the guest's end failed")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
            mine.bind((HERE, 0))
            mine.settimeout(5)
            answer = ask(f"START run={RUN} rate={rate} size={SIZE} flows=1 "
                         f"port={mine.getsockname()[1]}")
            ktap.check(answer == "OK", answer)
            yield mine
    finally:
        guest.kill()
        guest.wait()


def guest_counts():
    """Lost 5, twice 3, late 3, spoiled 7, and one of another run."""
    with guest_end(rate=100) as mine:
        for seq in (0, 1, 2, 4, 3, 3, 6):
            mine.sendto(packet(seq), (HERE, UDP))
        mine.sendto(packet(7, spoil=True), (HERE, UDP))
        mine.sendto(packet(8, run=RUN + 1), (HERE, UDP))
        wait_until(lambda: counters()["stray"] == "1", 5, "the packets")
        expect(counters(), unique=6, duplicated=1, reordered=1, corrupt=1,
               rcvbuf=0, sndbuf=0)
        ktap.check(ask("HOLES flow=0 sent=8") == "OK 5-5,7-7",
                   ask("HOLES flow=0 sent=8"))
        reports = [HEADER.unpack_from(mine.recv(2000)) for _ in range(50)]
        ktap.check([report[4] for report in reports] == list(range(50)),
                   "its packets are not numbered")
        ktap.check(reports[-1][5:] == (6, 7),
                   f"it reports {reports[-1][5:]}, not 6 packets below 7")
        sent = int(ask("STOP").split("sent=")[1].split()[0])
        time.sleep(0.1)
        expect(counters(), sent=sent)


def guest_reports():
    """What arrives is reported long before the next packet is due."""
    with guest_end(rate=1) as mine:
        # The first may have been late, and the second follow soon.
        mine.recv(2000)
        mine.recv(2000)
        time.sleep(0.2)
        begin = time.monotonic()
        mine.sendto(packet(0), (HERE, UDP))
        report = HEADER.unpack_from(mine.recv(2000))
        ktap.check(time.monotonic() - begin < 0.4,
                   "the report waited for its turn")
        ktap.check(report[5:] == (1, 1), f"it reports {report[5:]}")
        expect(counters(), reports=1)


class FakeGuest:
    """Sends 0 to 99 but 50, number 10 twice and 21 before 20; is silent for
    300 ms before 60, and reports no progress from 70 to 89."""

    SENT, SILENCE_S, PERIOD_S = 100, 0.3, 0.01

    def __init__(self):
        # Of each packet: its report, and a time before it was sent and after.
        self.times = []
        self.received = 0
        self.sent = threading.Event()
        self.sockets = []
        self.serve(CONTROL, self.control)
        self.serve(STREAM, self.stream)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((HERE, UDP))
        threading.Thread(target=self.count, daemon=True).start()

    def serve(self, port, answer):
        listener = socket.create_server((HERE, port))
        self.sockets.append(listener)

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    answer(connection)
        threading.Thread(target=accept, daemon=True).start()

    def count(self):
        while True:
            self.udp.recv(2000)
            self.received += 1

    def control(self, connection):
        line = connection.makefile().readline()
        if line.startswith("START"):
            port = int(line.split("port=")[1])
            threading.Thread(target=self.send, args=(port,),
                             daemon=True).start()
        connection.sendall(
            f"OK run={RUN} unique={self.received} duplicated=0 reordered=0 "
            f"stray=0 corrupt=0 sent={self.SENT} send_errors=0 late_us=0 "
            "rcvbuf=0 sndbuf=0 softnet=0 stream=0 stream_broken=0\n".encode())

    @staticmethod
    def stream(connection):
        """Breaks the TCP stream after a while."""
        connection.recv(1000)

    def send(self, port):
        order = [seq for seq in range(self.SENT) if seq not in (20, 50)]
        order.insert(order.index(21) + 1, 20)
        order.insert(order.index(11), 10)
        for seq in order:
            if seq == 60:
                time.sleep(self.SILENCE_S)
            report = seq + 1 - max(0, min(seq - 69, 20))
            before = time.time()
            self.udp.sendto(packet(seq, received=report), (HERE, port))
            self.times.append((report, before, time.time()))
            time.sleep(self.PERIOD_S)
        self.sent.set()

    def progress(self):
        """Of those packets that report one."""
        most, times = 0, []
        for at in self.times:
            if at[0] > most:
                most = at[0]
                times.append(at)
        return times

    def close(self):
        for listener in self.sockets:
            listener.close()


def stop_guest(host):
    """What a QEMU says on a QMP socket, the event in two parts."""
    with tempfile.TemporaryDirectory() as directory, \
            socket.socket(socket.AF_UNIX) as listener:
        listener.settimeout(5)
        listener.bind(f"{directory}/qmp")
        listener.listen()
        host.stdin.write(f"s{directory}/qmp\n")
        host.stdin.flush()
        with listener.accept()[0] as monitor:
            monitor.sendall(b'{"QMP": {}}\n')
            ktap.check(b"qmp_capabilities" in monitor.recv(100), "no request")
            monitor.sendall(b'{"return": {}}\n')
            ktap.check("watching" in host.stdout.readline(), "no answer")
            for text in b'{"event": "RESUME"}\n{"event": "ST', b'OP"}\n':
                monitor.sendall(text)
                time.sleep(0.2)
            monitor.settimeout(1)
            ktap.check(monitor.recv(1) == b"", "it goes on watching")


def agree(gaps, times):
    """Each is the time between two packets, and only short ones are left out.

    The last is the time after the last packet.
    """
    ktap.check(len(gaps) <= len(times), f"{len(gaps)} gaps of {len(times)}")
    for (_, *one), (_, *after) in zip(times, times[1:]):
        least, most = after[0] - one[1], after[1] - one[0]
        found = [length / 1000 for start, length in gaps
                 if one[0] - ROUNDED_S <= start <= one[1] + ROUNDED_S]
        ktap.check(found or least < SHORT_S, f"no gap of {least} s")
        ktap.check(all(least - ROUNDED_S <= length <= most + ROUNDED_S
                       for length in found),
                   f"{found} s, not {least} to {most}")


def host_counts():
    guest = FakeGuest()
    host = traffic("host", "--guest", HERE, "--run", str(RUN), "--rate", "100",
                   "--size", str(SIZE), "--burst", str(BURST))
    try:
        ktap.check("started" in host.stdout.readline(), "it did not start")
        host.stdin.write("b")
        host.stdin.flush()
        ktap.check(guest.sent.wait(20), "the guest's end hangs")
        time.sleep(0.5)
        stop_guest(host)
        result = json.loads(host.communicate("q", timeout=40)[0])
    finally:
        host.kill()
        guest.close()
    came = result["from_guest"]
    expect(came, sent=100, lost=1, duplicated=1, reordered=1, corrupt=0,
           holes=["50-50"])
    agree(came["gaps"], guest.times)
    agree(result["to_guest"]["gaps"], guest.progress())
    expect(result["to_guest"], lost=0)
    bursts = result["burst_times"]
    ktap.check(all(sent == BURST or length >= BURST_MS and 0 < sent < BURST
                   for _, length, sent in bursts), f"bursts: {bursts}")
    burst_sent = sum(sent for _, _, sent in bursts)
    ktap.check(len(bursts) == 2, f"bursts: {bursts}")
    expect(result, bursts=2, burst_sent=burst_sent, tcp_survived=False)
    ktap.check(result["to_guest"]["sent"] > burst_sent + 100,
               "it did not go on sending")


ktap.main([
    ("the guest's end counts what is lost, repeated, late or spoiled",
     guest_counts),
    ("the guest's end reports at once what arrives", guest_reports),
    ("the host's end counts, and sees the silences of both directions",
     host_counts),
])
