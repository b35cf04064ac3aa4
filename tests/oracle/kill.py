#!/usr/bin/env python3
"""Ends a program at random moments, in every way there is (ends.py), and proves that its trace holds every call that had
returned, each once (kill.c)."""

import collections
import random
import re
import shutil
import struct
import subprocess
import sys
import time

import common
import ends
import replay
from common import Wrong

MARKER = 110000
SIZES = 997


def wait_started(counters, child):
    until = time.monotonic() + 30
    while time.monotonic() < until and child.poll() is None:
        with counters.open("rb") as file:
            if struct.unpack("<Q", file.read(8))[0]:
                return
        time.sleep(0.002)
    raise Wrong(f"did not start (status {child.poll()})")


def check_thread(number, events, allocations, frees, may_lose):
    """events: (born, size) of this worker after its marker. Returns how many calls had returned and are not there."""
    made = at = 0
    for size in (size for born, size in events if born):
        gap = (size - 24 - at) % SIZES  # as many calls are not there; of one that is there twice, all but one
        if gap and not may_lose:
            raise Wrong(f"worker {number}: allocation {at} has {size} bytes, made were {24 + at % SIZES}: "
                        "something is missing or there twice")
        made, at = made + 1, at + gap + 1
    freed = len(events) - made
    if at > allocations + 1 or freed > frees + 1:
        raise Wrong(f"worker {number}: {at} allocations and {freed} frees in the trace, "
                    f"{allocations} and {frees} had returned")
    return max(0, allocations - made) + max(0, frees - freed)


def lost_in(lines):
    """The trace's own count of losses, which its first line tells."""
    return int(re.search(r"^trace .* lost=(\d+)", next(lines)).group(1))


def by_thread(lines):
    """The events of each worker by its thread's id: those after its marker, or all where that was lost."""
    events, tids = collections.defaultdict(list), {}
    for line in lines:
        if thread := re.match(r"record thread serial=(\d+) tid=(\d+)", line):
            tids[int(thread[1])] = int(thread[2])
            continue
        for event in replay.events([line]):
            if event.name not in ("alloc", "free") or event.flags & replay.FAILED:
                continue
            if event.name == "alloc" and event.size == MARKER:
                events[event.thread] = []
            else:
                events[event.thread].append((event.name == "alloc", event.size))
    return {tids[thread]: calls for thread, calls in events.items()}


def check(project, trace, counters, threads):
    """Only what the trace counts as lost may be missing. Returns the allocations that had returned, and the losses."""
    lines = project.dump_lines(trace)
    lost, found, total, missing = lost_in(lines), by_thread(lines), 0, 0
    for number in range(threads):
        allocations, frees, tid = struct.unpack_from("<QQQ", counters, 64 * number)
        missing += check_thread(number, found.get(tid, []), allocations, frees, lost > 0)
        total += allocations
    if missing > lost:
        raise Wrong(f"{missing} calls that had returned are not in the trace, which counts {lost} as lost")
    return total, lost


def kill_once(project, threads, writer, delay, kind, writer_dies=None):
    work = project.scratch / f"kill.{threads}.{writer}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    counters = work / "counters"
    counters.write_bytes(bytes(4096))
    env = project.environment(work, [str(project.compile("ends", *ends.FLAGS, shared=True))], writer,
                              ORACLE_COUNTERS=str(counters))
    program = str(project.compile("kill"))
    with ends.prepared(kind) as group, project.beside(work, writer) as beside:
        child = subprocess.Popen([program, str(threads)], env=env, stderr=subprocess.DEVNULL,
                                 preexec_fn=group and group.enter)
        try:
            wait_started(counters, child)
            if writer_dies is not None:
                time.sleep(delay * writer_dies)
                beside.kill()
            time.sleep(delay)
            ends.strike(kind, child, group)
        finally:
            child.kill()
            child.wait()
    traces = list(work.glob("*.tmk"))
    if len(traces) != 1:
        raise Wrong(f"{len(traces)} traces")
    total, lost = check(project, traces[0], counters.read_bytes(), threads)
    if lost and kind != ends.SPACE:
        raise Wrong(f"{lost} events lost")
    shutil.rmtree(work)
    return total, lost


def case(project, threads, writer, times, seed):
    """With a writer process every second time that dies too, a while before."""
    chance, total, lost = random.Random(seed), 0, 0
    for attempt in range(times):
        delay = chance.random() ** 2 * 0.15
        kind = chance.choice(ends.kinds())
        writer_dies = chance.random() if writer == "process" and attempt % 2 else None
        try:
            made, gone = kill_once(project, threads, writer, delay, kind, writer_dies)
            total, lost = total + made, lost + gone
        except Wrong as why:
            raise Wrong(f"kill {attempt}: {kind} after {delay * 1000:.1f} ms: {why}") from None
    return f"{times} kills, {total} allocations, all there" + (f" but {lost} counted events" if lost else "")


def main():
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("--times", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    project = common.Project(options.build)
    times = options.times or (100 if options.soak else 5)
    print(f"# seed {options.seed}", *(f"# without {what}" for what in ends.missing()), sep="\n")
    return common.run_cases([(f"kill {threads} threads {writer}",
                              lambda t=threads, w=writer: case(project, t, w, times, f"{options.seed}.{t}.{w}"))
                             for threads in (1, 16) for writer in ("inline", "thread", "process")])


if __name__ == "__main__":
    sys.exit(main())
