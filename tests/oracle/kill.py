#!/usr/bin/env python3
"""Kills a program at random moments and proves that its trace holds every call that had returned, each once (kill.c)."""

import collections
import random
import shutil
import signal
import struct
import subprocess
import sys
import time

import common
import replay
from common import Wrong

BEGIN = 110000
SIZES = 997


def wait_started(counters, child):
    until = time.monotonic() + 30
    while time.monotonic() < until and child.poll() is None:
        with counters.open("rb") as file:
            if struct.unpack("<Q", file.read(8))[0]:
                return
        time.sleep(0.002)
    raise Wrong(f"did not start (status {child.poll()})")


def check_thread(number, events, allocations, frees):
    """events: (born, size) of this worker after its marker."""
    made = [size for born, size in events if born]
    for at, size in enumerate(made):
        if size != 24 + at % SIZES:
            raise Wrong(f"worker {number}: allocation {at} has {size} bytes, made were {24 + at % SIZES}: "
                        "something is missing or there twice")
    freed = len(events) - len(made)
    if not allocations <= len(made) <= allocations + 1:
        raise Wrong(f"worker {number}: {len(made)} allocations in the trace, {allocations} had returned")
    if not frees <= freed <= frees + 1:
        raise Wrong(f"worker {number}: {freed} frees in the trace, {frees} had returned")


def by_worker(lines):
    events, worker_of = collections.defaultdict(list), {}
    for event in replay.events(lines):
        if event.name not in ("alloc", "free"):
            continue
        if event.name == "alloc" and BEGIN <= event.size < BEGIN + 64:
            worker_of[event.thread] = event.size - BEGIN
            events[event.thread] = []
        else:
            events[event.thread].append((event.name == "alloc", event.size))
    return {worker_of[t]: e[1:] for t, e in events.items() if t in worker_of}  # [0]: the marker's free


def kill_once(project, threads, writer, delay, number_of_signal, writer_dies=None):
    work = project.scratch / f"kill.{threads}.{writer}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    counters = work / "counters"
    counters.write_bytes(bytes(4096))
    env = project.environment(work, (), writer, ORACLE_COUNTERS=str(counters))
    program = str(project.compile("kill"))
    with project.beside(work, writer) as beside:
        child = subprocess.Popen([program, str(threads)], env=env)
        try:
            wait_started(counters, child)
            if writer_dies is not None:
                time.sleep(delay * writer_dies)
                beside.kill()
            time.sleep(delay)
        finally:
            child.send_signal(number_of_signal)
            child.wait()
    traces = list(work.glob("*.tmk"))
    if len(traces) != 1:
        raise Wrong(f"{len(traces)} traces")
    found = by_worker(project.dump_lines(traces[0]))
    total = 0
    for number in range(threads):
        allocations, frees = struct.unpack_from("<QQ", counters.read_bytes(), 64 * number)
        if allocations:
            check_thread(number, found.get(number, []), allocations, frees)
        total += allocations
    shutil.rmtree(work)
    return total


def case(project, threads, writer, times, seed):
    """With a writer process every second time that dies too, a while before."""
    chance, total = random.Random(seed), 0
    for attempt in range(times):
        delay = chance.random() ** 2 * 0.15
        how = chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
        writer_dies = chance.random() if writer == "process" and attempt % 2 else None
        try:
            total += kill_once(project, threads, writer, delay, how, writer_dies)
        except Wrong as why:
            raise Wrong(f"kill {attempt} after {delay * 1000:.1f} ms: {why}") from None
    return f"{times} kills, {total} allocations, all there"


def main():
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("--times", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    project = common.Project(options.build)
    times = options.times or (100 if options.soak else 5)
    print(f"# seed {options.seed}")
    return common.run_cases([(f"kill {threads} threads {writer}",
                              lambda t=threads, w=writer: case(project, t, w, times, f"{options.seed}.{t}.{w}"))
                             for threads in (1, 8) for writer in ("inline", "thread", "process")])


if __name__ == "__main__":
    sys.exit(main())
