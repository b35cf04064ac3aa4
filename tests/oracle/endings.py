#!/usr/bin/env python3
"""Ends real programs at random moments, in every way there is, and opens what is left.

Redis under load, a Python program and 16 threads of churn, with each kind of writer, are ended in the ways of ends.py.
Every trace must open, verify, and hold no impossible event; nothing may be lost.
"""

import json
import random
import re
import shutil
import subprocess
import sys
import time

import common
import ends
import replay
from common import Wrong

PYTHON = "import json\nwhile True: [json.loads(json.dumps({'k%d' % i: [i] * 5 for i in range(300)})) for _ in range(9)]"
WRITERS = ("inline", "thread", "process")


def start(project, name, work, env, group):
    quiet = dict(env=env, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                 preexec_fn=group and group.enter)
    if name == "python3":
        return subprocess.Popen(["/usr/bin/python3", "-c", PYTHON], **quiet), None
    if name == "churn":
        return subprocess.Popen([str(project.compile("kill")), "16"], **quiet), None
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", "socket", "--save", ""], **quiet)
    until = time.monotonic() + 10
    while not (work / "socket").exists() and time.monotonic() < until and server.poll() is None:
        time.sleep(0.01)
    load = subprocess.Popen(["redis-benchmark", "-s", "socket", "-q", "-n", "1000000", "-r", "100000", "-t", "set,lpush"],
                            cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return server, load


def check(project, trace):
    tidemark = project.build / "tidemark"
    if not tidemark.exists():
        found = replay.summary(project.dump_lines(trace))
        return found["events"], found["impossible"], found["lost"]
    if not any(trace.open("rb").read(8)):
        return 0, 0, 0  # ended before the first event: no header yet, and said to be empty
    for command in (["info", "--verify", trace], ["report", "--self", "--json", "-", trace]):
        done = subprocess.run([str(tidemark), *map(str, command)], capture_output=True, timeout=120)
        # A trace that lost events under a limit is not whole; damaged it must not be.
        lossy = command[0] == "info" and re.search(rb"^damage +none$", done.stdout, re.M)
        if done.returncode and not lossy:
            raise Wrong(f"tidemark {command[0]}: status {done.returncode}: {(done.stdout + done.stderr)[-300:]!r}")
    t = json.loads(done.stdout)["trace"]
    t = t[0] if isinstance(t, list) else t
    return t["events"], t["impossible_events"], t["lost_events"]


def strike_at(project, name, work, env, delay, kind):
    with ends.prepared(kind) as group:
        child, load = start(project, name, work, env, group)
        try:
            time.sleep(delay)
            ends.strike(kind, child, group)
        finally:
            for process in filter(None, (child, load)):
                process.kill()
                process.wait()


def end_once(project, name, writer, delay, kind):
    work = project.scratch / f"endings.{name}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    (work / "counters").write_bytes(bytes(4096))
    env = project.environment(work, [str(project.compile("ends", *ends.FLAGS, shared=True))], writer,
                              ORACLE_COUNTERS=str(work / "counters"))
    with project.beside(work, writer):
        strike_at(project, name, work, env, delay, kind)
    traces = [p for p in work.iterdir() if ".tmk" in p.name]
    total = 0
    for trace in traces:
        events, impossible, lost = check(project, trace)
        if impossible or (lost and kind != ends.SPACE):
            raise Wrong(f"{trace.name}: {impossible} impossible, {lost} lost of {events}")
        total += events
    shutil.rmtree(work)
    return total


def case(project, name, times, seed):
    chance, total = random.Random(seed), 0
    for attempt in range(times):
        delay, kind, writer = chance.random() ** 2 * 0.5, chance.choice(ends.kinds()), chance.choice(WRITERS)
        try:
            total += end_once(project, name, writer, delay, kind)
        except Wrong as why:
            raise Wrong(f"ending {attempt}: {kind} after {delay * 1000:.0f} ms, {writer}: {why}") from None
    return f"{times} endings, {total} events"


def main():
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("--times", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    project = common.Project(options.build)
    times = options.times or (200 if options.soak else 6)
    print(f"# seed {options.seed}", *(f"# without {what}" for what in ends.missing()), sep="\n")
    names = [n for n, need in (("churn", "cc"), ("python3", "/usr/bin/python3"), ("redis", "redis-server")) if shutil.which(need)]
    return common.run_cases([(f"endings {name}", lambda n=name: case(project, n, times, f"{options.seed}.{n}")) for name in names])


if __name__ == "__main__":
    sys.exit(main())
