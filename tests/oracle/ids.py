#!/usr/bin/env python3
"""Proves that every free in a trace is paired with the right allocation, against a program that knows (ids.c).

For each thread the trace must hold the program's own steps, one for one: kind, size and address. Then, at each address,
births and deaths in the trace's order must alternate and name the same id. Run with 2, 8 and 64 threads over glibc,
jemalloc and tcmalloc; a storm uses one size class, so that addresses change hands within nanoseconds. With plain frames,
which a recorder makes in a hurry, too: before the threads begin, their rings are told that all their frames are to be plain.
"""

import collections
import mmap
import shutil
import struct
import subprocess
import sys
import time

import common
import replay
from common import Wrong

ALLOC, FREE, REALLOC = 1, 2, 3
BEGIN, END = 110000, 120000
STEP = struct.Struct("<QQIIQQ")
EVENTS_FRAME, RING_FRAME, PLAIN_FLAG = 2, 16, 4
PLAIN_AHEAD = 144  # in a ring's slot: so many frames will be plain (FORMAT.md)
PRELOADS = {"glibc": [], "jemalloc": ["libjemalloc.so.2"], "tcmalloc": ["libtcmalloc_minimal.so.4"],
            "mimalloc": ["libmimalloc.so.2"]}
Step = collections.namedtuple("Step", "kind id size thread address old")


def read_log(path):
    steps = collections.defaultdict(list)
    for fields in STEP.iter_unpack(path.read_bytes()):
        step = Step(*fields)
        steps[step.thread].append(step)
    return steps


def worker_events(lines):
    """{worker number: its events between its two markers}."""
    by_thread = collections.defaultdict(list)
    for event in replay.events(lines):
        if event.name in replay.BORN or event.name in replay.DIED:
            by_thread[event.thread].append(event)
    workers = {}
    for events in by_thread.values():
        begins = [i for i, e in enumerate(events) if e.name == "alloc" and BEGIN <= e.size < BEGIN + 64]
        ends = [i for i, e in enumerate(events) if e.name == "alloc" and END <= e.size < END + 64]
        for begin, end in zip(begins, ends):
            workers[events[begin].size - BEGIN] = events[begin + 2:end]
    return workers


def expected(step, previous_address):
    """The trace's events of a step: (name, address, size or None)."""
    if step.kind == ALLOC:
        return [("alloc", step.address, step.size)]
    if step.kind == FREE:
        return [("free", step.address, None)]
    return [("realloc-out", previous_address, None), ("realloc-in", step.address, step.size)]


def label(steps, workers):
    """Checks each worker's events against its steps; returns [(event, id, born)]."""
    address_of = {s.id: s.address for mine in steps.values() for s in mine if s.kind != FREE}
    labelled = []
    for number, mine in steps.items():
        events = iter(workers.get(number, []))
        for at, step in enumerate(mine):
            for name, address, size in expected(step, address_of.get(step.old)):
                event = next(events, None)
                if event is None:
                    raise Wrong(f"worker {number}: the trace ends before step {at} of {len(mine)}")
                if (event.name, event.address) != (name, address) or (size is not None and event.size != size):
                    raise Wrong(f"worker {number}, step {at}: {name} {address:#x} {size} is {event.name} "
                                f"{event.address:#x} {event.size} in the trace")
                labelled.append((event, step.old if name == "realloc-out" else step.id, name in replay.BORN))
        if next(events, None) is not None:
            raise Wrong(f"worker {number}: more events in the trace than steps made")
    return labelled


def drop_partners(labelled, all_events):
    """Pairs that the trace itself joins within a frame: checked, and left out of the rest."""
    by_place = {(e.thread, e.number): identity for e, identity, _ in labelled}
    rest, wrong = [], []
    for event, identity, born in labelled:
        if not event.partner:
            rest.append((event, identity, born))
            continue
        other = by_place.get((event.thread, event.number + (event.partner if born else -event.partner)))
        if other != identity:
            wrong.append(f"event {event.thread}/{event.number} has id {identity:#x}, its partner {other and hex(other)}")
    if wrong:
        raise Wrong(f"{len(wrong)} of {len(labelled)} events have a wrong partner; first: {wrong[0]}")
    return rest


def check_order(rest):
    """At each address, in the order of stamps: born with an id, dead with the same."""
    by_address = collections.defaultdict(list)
    for event, identity, born in rest:
        by_address[event.address].append((event.stamp, born, identity, event))
    inexact = sum(1 for event, _, _ in rest if not event.exact)
    wrong = []
    for history in by_address.values():
        history.sort(key=lambda h: (h[0], h[1]))
        open_id = None
        for stamp, born, identity, event in history:
            if born and open_id is None:
                open_id = identity
            elif not born and open_id == identity:
                open_id = None
            else:
                wrong.append((event, identity, open_id))
                open_id = identity if born else None
    if wrong:
        event, identity, open_id = wrong[0]
        raise Wrong(f"{len(wrong)} of {len(rest)} events out of order; first: {event.name} {event.address:#x} of id "
                    f"{identity:#x} at {event.thread}/{event.number} meets {open_id and hex(open_id)}; {inexact} without a stamp")
    return inexact


def frames(data):
    """(offset, kind, flags) of each frame of a trace, which may still grow."""
    at, = struct.unpack_from("<I", data, 12)
    while data[at:at + 4] == b"TMCH":
        kind, flags, stored = struct.unpack_from("<HxBxxxxI", data, at + 4)
        yield at, kind, flags
        at += 64 + (stored + 7) // 8 * 8


def make_plain(work, rings):
    """Waits for so many rings; from then on all their frames are plain."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        time.sleep(0.02)
        for trace in work.glob("*.tmk"):
            if not trace.stat().st_size:  # made just now
                continue
            with open(trace, "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
                slots = [at + 64 for at, kind, _ in frames(data) if kind == RING_FRAME]
                for slot in slots:
                    struct.pack_into("<I", data, slot + PLAIN_AHEAD, 1 << 31)
                if len(slots) >= rings:
                    return
    raise Wrong("the threads did not begin")


def check_plain(trace):
    flags = [flags for _, kind, flags in frames(trace.read_bytes()) if kind == EVENTS_FRAME]
    if sum(1 for f in flags if f & PLAIN_FLAG) < 0.9 * len(flags):
        raise Wrong("there are few plain frames")


def case(project, allocator, threads, rounds, shape, writer, plain=False):
    work = project.scratch / f"ids.{allocator}.{threads}.{shape}.{writer}{'.plain' if plain else ''}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    env = project.environment(work, PRELOADS[allocator], writer, ORACLE_LOG=str(work / "log"))
    program, gate = project.compile("ids"), work / "gate"
    if plain:
        env["ORACLE_GATE"] = str(gate)
    with project.beside(work, writer), subprocess.Popen([str(program), str(threads), str(rounds), shape], env=env,
                                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            if plain:
                make_plain(work, threads + 1)
                gate.touch()
            out, complaint = child.communicate(timeout=120)
        finally:
            child.kill()
    if child.returncode or out != b"done\n":
        raise Wrong(f"status {child.returncode}, {out!r} {complaint[-200:]!r}")
    traces = list(work.glob("*.tmk"))
    if len(traces) != 1:
        raise Wrong(f"{len(traces)} traces")
    if plain:
        check_plain(traces[0])
    workers = worker_events(project.dump_lines(traces[0]))
    labelled = label(read_log(work / "log"), workers)
    rest = drop_partners(labelled, workers)
    inexact = check_order(rest)
    shutil.rmtree(work)
    return f"{len(labelled)} events, {len(labelled) - len(rest)} by partner, {inexact} without a stamp"


def main():
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("--allocators", default="glibc,jemalloc,tcmalloc")
    parser.add_argument("--writers", default="inline,thread,process")
    options = parser.parse_args()
    project = common.Project(options.build)
    total = 4_000_000 if options.soak else 100_000
    cases = []
    for allocator in options.allocators.split(","):
        for writer in options.writers.split(","):
            for threads, shape, plain in ((2, "storm", False), (8, "storm", False), (8, "sizes", False), (8, "near", False),
                                          (64, "storm", False), (2, "storm", True), (8, "near", True)):
                name = f"ids {allocator} {threads} threads {shape} {writer}{' plain' if plain else ''}"
                cases.append((name, lambda a=allocator, t=threads, s=shape, w=writer, p=plain:
                              case(project, a, t, total // t, s, w, p)))
    return common.run_cases(cases)


if __name__ == "__main__":
    sys.exit(main())
