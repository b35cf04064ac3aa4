#!/usr/bin/env python3
"""Damaged traces: damage.py --build BUILD [--times N] [--seed N]

A trace of a program that ended, and one of a program that was killed, get flipped bits, zeros and foreign bytes in each of
their regions in turn, are cut, and lose or repeat pieces. What each frame holds is known from the second decoder (tests/decode.py).

In whatever a checksum covers each damage is found, and `repair` loses the events of that frame and of those that go on after it,
nothing else. Slots have no checksum: what stands before the damage, and all frames, must be kept. What repair writes must
verify. Output is TAP.
"""

import argparse
import collections
import contextlib
import io
import os
import random
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import decode  # noqa: E402

PROGRAM = r"""
#include <signal.h>
#include <stdlib.h>
#include <tidemark.h>
#include <unistd.h>
static void *kept[512];
int main(int count, char **words) {
    for (int round = atoi(words[1]); round > 0; round--) {
        tidemark_phase_begin("load");
        for (int i = 0; i < 900; i++) {
            int at = (i * 7919 + round) % 512;
            free(kept[at]);
            kept[at] = malloc(16 + (i * 31 + round) % 4000);
        }
        tidemark_phase_end("load");
    }
    if (count > 2) {
        usleep(30000); /* time for a sample */
        kept[0] = malloc(1);
        kill(getpid(), SIGKILL);
    }
    return 0;
}
"""
EVENTS, RECORDS, NODES, RING, JOURNAL, NODES_SLOT = 2, 3, 4, 16, 17, 18
CONTROL = 4096
CONTINUES = 2


class Wrong(Exception):
    pass


def lines_of(text):
    """Lines of a dump without the running numbers of events and without the header."""
    kept = [re.sub(rb"^(event \d+) \d+ ", rb"\1 ", line) for line in text.split(b"\n")]
    return collections.Counter(line for line in kept if line and not line.startswith(b"trace "))


class Frame:
    def __init__(self, data, at):
        self.at = at
        self.kind, _, self.flags, _, self.stored = struct.unpack_from("<HBBII", data, at + 4)
        self.thread, = struct.unpack_from("<I", data, at + 20)
        self.count, = struct.unpack_from("<I", data, at + 56)
        self.end = at + 64 + self.stored
        self.lines = collections.Counter()


class Content(decode.Dump):
    """What a whole trace holds, frame by frame, and after that what its slots hold."""

    def __init__(self, data):
        super().__init__(data)
        with contextlib.redirect_stdout(io.StringIO()):
            self.header()
        self.frames_of, at = [], self.header_size
        readers = {EVENTS: self.events_frame, RECORDS: self.records_frame, NODES: self.nodes_frame}
        while at + 64 <= self.tail:
            frame, found = Frame(data, at), self.frame_at(at)
            if frame.kind in readers:
                frame.lines = self.said(readers[frame.kind], found)
            elif frame.kind in (RING, JOURNAL, NODES_SLOT):
                self.slots.append(found)
            self.frames_of.append(frame)
            at = (frame.end + 7) & ~7
        for found in self.slots:
            frame = next(f for f in self.frames_of if f.at + 64 == found["at"])
            frame.lines = self.said(self.slot, found)

    @staticmethod
    def said(reader, frame):
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            reader(frame)
        return lines_of(text.getvalue().encode("utf-8", "surrogateescape"))

    def all(self, frames=None):
        total = collections.Counter()
        for frame in self.frames_of if frames is None else frames:
            total += frame.lines
        return total

    def after(self, lost):
        """The events frames that can't be read without this one, itself among them."""
        gone, broken = [], False
        for frame in self.frames_of:
            if frame.kind != EVENTS or frame.thread != lost.thread:
                continue
            broken = frame is lost or (broken and frame.flags & CONTINUES)
            if broken:
                gone.append(frame)
        return gone


def change(data, first, end, choose):
    """Other bytes somewhere from `first` on, before `end`."""
    made = bytearray(data)
    while bytes(made) == data:
        at = choose.randrange(first, end)
        length = min(choose.choice((1, 8, 100)), end - at)
        how = choose.randrange(3)
        if how == 0:
            made[at] ^= 1 << choose.randrange(8)
        elif how == 1:
            made[at:at + length] = bytes(length)
        else:
            made[at:at + length] = choose.randbytes(length)
    return bytes(made)


class Tester:
    def __init__(self, tidemark, folder, data):
        self.tidemark, self.folder, self.data = tidemark, folder, data
        self.content = Content(data)

    def run(self, *words):
        done = subprocess.run([self.tidemark, *map(str, words)], capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        if done.returncode not in (0, 3):
            raise Wrong(f"{words[0]}: exit status {done.returncode}: {done.stderr[-300:]}")
        return done

    def repaired(self, data, contradictions=False):
        """(whether verify called it whole, the lines of what repair wrote or None, events it says are lost)."""
        path, good = self.folder / "damaged.tmk", self.folder / "good.tmk"
        path.write_bytes(data)
        good.unlink(missing_ok=True)
        verified = self.run("info", "--verify", path)
        if self.run("repair", "-q", path, "-o", good).returncode:
            if verified.returncode == 0:
                raise Wrong("called whole, but can't be repaired")
            return False, None, 0
        again = self.run("info", "--verify", good)
        excused = contradictions and re.search(rb"^damage +none$", again.stdout, re.M) and b"losses" not in again.stdout
        if again.returncode and not excused:
            raise Wrong(f"what repair wrote does not verify: {again.stdout[-500:].decode()}")
        lost = int(re.search(rb"^lost events +(\d+)$", again.stdout, re.M).group(1))
        return verified.returncode == 0, lines_of(self.run("dump", good).stdout), lost

    def frame(self, frame, data, whole_payload):
        """A frame with checksums is damaged."""
        called_whole, lines, lost = self.repaired(data)
        if called_whole:
            raise Wrong("the damage is not found")
        gone = self.content.after(frame) if frame.kind == EVENTS else [frame]
        told = collections.Counter(line for line in lines if line.startswith(b"record loss "))
        expected = self.content.all() - self.content.all(gone)
        missing, more = expected - lines, lines - told - expected
        if frame.kind == NODES: # the slot of a killed process has them too
            more -= frame.lines
        if missing or more:
            raise Wrong(f"{missing.total()} lines are missing, {more.total()} too many: {[*missing][:2]} {[*more][:2]}")
        count = sum(f.count for f in gone if f.kind == EVENTS)
        if whole_payload and lost != count:
            raise Wrong(f"{lost} events are said to be lost, {count} are")
        if bool(count) != bool(lost) and frame is not self.last(EVENTS):
            raise Wrong(f"{lost} events are said to be lost of {count}")
        if count and lost and not told:
            raise Wrong("no record tells of the loss")
        if lost and b"which was repaired" not in self.run("report", "--no-cache", "--json", "-", self.folder / "good.tmk").stdout:
            raise Wrong("the report says nothing of the loss")

    def last(self, kind):
        return [f for f in self.content.frames_of if f.kind == kind][-1]

    def covered(self, kind):
        def attempt(choose):
            frame = choose.choice([f for f in self.content.frames_of if f.kind == kind])
            payload = choose.random() < 0.7
            span = (frame.at + 64, frame.end) if payload else (frame.at, frame.at + 64)
            self.frame(frame, change(self.data, *span, choose), payload)
        return attempt

    def slot(self, kind, from_control):
        """What no checksum covers: all frames stay, and what stands before the damage."""
        def attempt(choose):
            frame = choose.choice([f for f in self.content.frames_of if f.kind == kind and f.lines])
            start = frame.at + 64
            filled = start + len(self.data[start:frame.end].rstrip(b"\0"))
            first, end = (start, start + 256) if from_control else (start + (0 if kind == NODES_SLOT else CONTROL), filled)
            damaged = change(self.data, first, end, choose)
            _, lines, _ = self.repaired(damaged, contradictions=True)
            framed = self.content.all(f for f in self.content.frames_of if f.kind in (EVENTS, RECORDS, NODES))
            if framed - lines:
                raise Wrong(f"{(framed - lines).total()} lines of frames are missing: {[*(framed - lines)][:2]}")
            if kind == RING and not from_control:
                self.check_prefix(frame, damaged, lines)
        return attempt

    def check_prefix(self, frame, damaged, lines):
        start = frame.at + 64 + CONTROL
        first = next(i for i in range(start, frame.end) if damaged[i] != self.data[i])
        head, tail = (struct.unpack_from("<Q", self.data, frame.at + 64 + at)[0] for at in (64, 128))
        thread, = struct.unpack_from("<I", self.data, frame.at + 64)
        tail = max(tail, self.content.event_end.get(thread, 0))
        size = (frame.end - start) // 8
        words = [struct.unpack_from("<Q", self.data, start + p % size * 8)[0] for p in range(tail, head)]
        places = [start + p % size * 8 for p in range(tail, head)]
        before = next((i for i, place in enumerate(places) if place <= first < place + 8), len(words))
        events, _ = decode.events_of_words(words[:before])
        wanted = collections.Counter()
        for event in events:
            wanted[f"event {thread} {decode.EVENTS[event.kind]} stamp={event.stamp} ".encode()] += 1
        found = collections.Counter(re.match(rb"event \d+ \S+ \S+ |", line).group() for line in lines.elements())
        if wanted - found:
            raise Wrong(f"{(wanted - found).total()} events before the damage are missing")

    def cut(self, choose):
        """Whole frames before the cut are kept."""
        at = choose.randrange(self.content.header_size, len(self.data) - 8)
        if choose.random() < 0.8: # not in a hole
            frame = choose.choice([f for f in self.content.frames_of if f.lines or f.kind == RECORDS])
            at = choose.randrange(frame.at, frame.end)
        _, lines, _ = self.repaired(self.data[:at])
        here = self.content.all(f for f in self.content.frames_of if f.end <= at and f.kind in (EVENTS, RECORDS, NODES))
        if lines is None or here - lines:
            raise Wrong(f"cut at {at}: {'all' if lines is None else (here - lines).total()} lines are missing")

    def head(self, choose):
        """The fields of the header: refused, or what is read was there."""
        _, lines, _ = self.repaired(change(self.data, 0, 256, choose), contradictions=True)
        if lines is not None:
            self.nothing_new(lines)

    def nothing_new(self, lines):
        events = collections.Counter({line: n for line, n in lines.items() if line.startswith(b"event")})
        new = events - self.content.all()
        if new:
            raise Wrong(f"{new.total()} events that never were: {[*new][:2]}")

    def pieces(self, choose):
        """Frames and slots of events are repeated, exchanged, left out; bytes are inserted."""
        frames = [f for f in self.content.frames_of if f.kind not in (RING, JOURNAL, NODES_SLOT)]
        one, other = choose.choice(frames), choose.choice(frames)
        piece = self.data[other.at:(other.end + 7) & ~7]
        data = choose.choice((
            self.data[:one.at] + piece + self.data[one.at:],
            self.data[:one.at] + self.data[(one.end + 7) & ~7:],
            self.data[:one.at] + piece + self.data[(one.end + 7) & ~7:],
            self.data[:one.at] + choose.randbytes(choose.choice((1, 8, 13, 4096))) + self.data[one.at:],
        ))
        _, lines, _ = self.repaired(data, contradictions=True)
        if lines is not None:
            self.nothing_new(lines)

    def cases(self):
        yield "header", self.head
        kinds = {f.kind for f in self.content.frames_of if f.lines}
        for name, kind in (("events", EVENTS), ("records", RECORDS), ("nodes", NODES)):
            if kind in kinds:
                yield f"frames of {name}", self.covered(kind)
        for name, kind in (("ring", RING), ("journal", JOURNAL)):
            if kind in kinds:
                yield f"{name}, control page", self.slot(kind, True)
        for name, kind in (("ring", RING), ("journal", JOURNAL), ("nodes", NODES_SLOT)):
            if kind in kinds:
                yield f"{name}, content of the slot", self.slot(kind, False)
        yield "cut", self.cut
        yield "pieces of it elsewhere", self.pieces


def recorded(tidemark, folder, name, *words):
    trace = folder / f"{name}.tmk"
    trace.unlink(missing_ok=True)
    subprocess.run([tidemark, "record", "-q", "-o", str(trace), "./program", *words], cwd=folder, check=False,
                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Tester(tidemark, folder, trace.read_bytes())


def testers(tidemark, folder):
    (folder / "program.c").write_text(PROGRAM)
    subprocess.run(["cc", "-O1", "-fno-builtin", f"-I{HERE.parent.parent / 'include'}", "program.c", "-o", "program"], cwd=folder, check=True)
    yield "ended", recorded(tidemark, folder, "ended", "34")
    for rounds in range(28, 40): # until one is killed before its buffers were moved into frames
        tester = recorded(tidemark, folder, "killed", str(rounds), "kill")
        if tester.last(RING).lines and tester.last(JOURNAL).lines:
            break
    yield "killed", tester


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--build", default="build")
    arguments.add_argument("--times", type=int, default=1, help="of each kind of damage")
    arguments.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    chosen = arguments.parse_args()
    tidemark = os.environ.get("TIDEMARK", str(Path(chosen.build).resolve() / "tidemark"))
    folder = Path(chosen.build).resolve() / "hostile" / f"damage.{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    failed = number = 0
    print(f"# seed {chosen.seed}")
    for name, tester in testers(tidemark, folder):
        for what, attempt in tester.cases():
            number, wrong = number + 1, []
            for n in range(chosen.times):
                try:
                    attempt(random.Random(f"{chosen.seed} {name} {what} {n}"))
                except (Wrong, subprocess.TimeoutExpired) as why:
                    wrong.append(f"{n}: {why}")
            failed += bool(wrong)
            print(f"{'not ' if wrong else ''}ok {number} - {name}: {what} ({chosen.times} times)", flush=True)
            for line in wrong[:5]:
                print("  # " + line.replace("\n", "\n  # "))
    print(f"1..{number}")
    shutil.rmtree(folder, ignore_errors=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
