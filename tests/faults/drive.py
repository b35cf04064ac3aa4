#!/usr/bin/env python3
"""Makes every system call of the recorder fail in turn, and looks whether the target noticed.

    tests/faults/drive.py [--build DIR] [-j N] [--whole] [--seconds N] [--table FILE] [MODE[:CALL[:ERROR[:FIRST[:FAILURES]]]]...]

FAILS says which errors each call may give. A run of target.c counts how often the recorder makes each call (inject.c); then
each of these uses, and all from it on, fails in a run of its own. The target must print and end as it does untraced; a trace
must be there and whole but for its losses, or its absence have been said; no event may be impossible; and what is not in
the trace must have been counted: events and losses together are at least what the program is known to make.
Output is TAP, a case for each mode and call. Without --whole some uses of each call are taken: the first, the last and
some between, as far as --seconds go.
"""

import argparse
import collections
import concurrent.futures
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SHORT = "short"  # half of the transfer is done
PLAN = struct.Struct("<qqqq")
CALLS = 512
FOREVER = 1 << 40
PASSING = ("EINTR", "EAGAIN")  # nothing gives these for ever

NUMBERS = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "mmap": 9, "munmap": 11, "rt_sigprocmask": 14, "pread64": 17,
    "ioctl": 16, "pwrite64": 18, "sched_yield": 24, "mincore": 27, "madvise": 28, "getpid": 39, "clone": 56, "exit": 60, "kill": 62,
    "uname": 63, "fcntl": 72, "ftruncate": 77, "fchmod": 91, "sysinfo": 99, "getuid": 102, "getppid": 110,
    "sigaltstack": 131, "prctl": 157, "gettid": 186, "futex": 202, "sched_getaffinity": 204, "getdents64": 217,
    "clock_gettime": 228, "tgkill": 234, "openat": 257, "mkdirat": 258, "unlinkat": 263, "renameat": 264,
    "readlinkat": 267, "unshare": 272, "fallocate": 285, "pwritev": 296, "prlimit64": 302, "process_vm_readv": 310,
    "getrandom": 318, "close_range": 436,
}
# What each may say. A call that is not here can't fail, or only by a fault of ours: getpid, rt_sigprocmask, exit, …
FAILS = {
    "read": ("EIO", "EINTR", SHORT),
    "write": ("EIO", "EPIPE", SHORT),
    "close": ("EIO", "EINTR"),
    "mmap": ("ENOMEM", "EAGAIN", "EPERM"),
    "munmap": ("ENOMEM",),
    "pread64": ("EIO", "EINTR", SHORT),
    "pwrite64": ("ENOSPC", "EIO", "EDQUOT", "EINTR", "EBADF", "EFBIG", SHORT),
    "pwritev": ("ENOSPC", "EIO", "EDQUOT", "EINTR", "EBADF", "EFBIG", SHORT),
    "ioctl": ("ENOTTY", "EPERM", "EINTR", "ENOMEM"),
    "mincore": ("ENOMEM", "EAGAIN"),
    "madvise": ("EINVAL", "EAGAIN"),
    "clone": ("EAGAIN", "ENOMEM", "EPERM"),
    "kill": ("EPERM",),
    "uname": ("EPERM",),
    "fcntl": ("EMFILE", "EINVAL"),
    "ftruncate": ("EIO",),
    "sysinfo": ("EPERM",),
    "sigaltstack": ("EPERM",),
    "prctl": ("EINVAL",),
    "futex": ("EINTR", "EAGAIN"),
    "sched_getaffinity": ("EINVAL", "EPERM"),
    "getdents64": ("EIO", "ENOENT"),
    "clock_gettime": ("EINVAL",),
    "tgkill": ("ESRCH",),
    "openat": ("EMFILE", "ENFILE", "EACCES", "ENOENT", "ENOMEM", "EINTR"),
    "mkdirat": ("EACCES", "EEXIST"),
    "unlinkat": ("EACCES",),
    "renameat": ("EACCES",),
    "readlinkat": ("EACCES", "ENOENT"),
    "fchmod": ("EPERM",),
    "unshare": ("EPERM", "ENOMEM"),
    "fallocate": ("ENOSPC", "EOPNOTSUPP", "EIO", "EINTR", "EDQUOT"),
    "fstat": ("EBADF", "EIO"),
    "prlimit64": ("EPERM",),
    "process_vm_readv": ("EPERM", "ENOSYS", "EFAULT"),
    "getrandom": ("ENOSYS", "EAGAIN"),
    "close_range": ("ENOSYS", "EPERM"),
}

# Of target.c: its own allocations and frees in all images together, and how many images leave a trace.
MODES = {
    "single": {"events": 36000, "traces": 1, "argument": "single", "writer": "thread"},
    "threads": {"events": 108000, "traces": 1, "argument": "threads", "writer": "thread"},
    "inline": {"events": 108000, "traces": 1, "argument": "threads", "writer": "inline"},
    "fork": {"events": 108000, "traces": 2, "argument": "fork", "writer": "thread"},
    "exec": {"events": 108000, "traces": 3, "argument": "exec", "writer": "thread"},
}


class Wrong(Exception):
    pass


class Project:
    def __init__(self, build):
        self.build = Path(build).resolve()
        self.faults = self.build / "faults"
        self.tidemark = self.build / "tidemark"
        self.work = self.faults / f"work.{os.getpid()}"
        self.plain = {mode: self.untraced(MODES[mode]["argument"]) for mode in MODES}

    def untraced(self, argument):
        done = subprocess.run([str(self.faults / "target"), argument], capture_output=True, timeout=30)
        return done.returncode, done.stdout

    def run(self, mode, call=None, error=None, first=0, failures=1):
        """One run: (counts of calls, stderr, traces, folder)."""
        folder = self.work / str(threading.get_ident())
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        number = NUMBERS[call] if call else -1
        code = 1000 if error == SHORT else getattr(__import__("errno"), error) if error else 0
        plan = folder / "plan"
        plan.write_bytes(PLAN.pack(number, code, first, failures) + bytes(8 * CALLS))
        env = {k: v for k, v in os.environ.items() if not k.startswith("TIDEMARK_")}
        env.update(LD_PRELOAD=str(self.faults / "libtrace.so"), TIDEMARK_OUT=f"{folder}/%p.tmk", TIDEMARK_FAULTS=str(plan),
                   TIDEMARK_VERBOSE="1", TIDEMARK_WRITER=MODES[mode]["writer"])
        try:
            done = subprocess.run([str(self.faults / "target"), MODES[mode]["argument"]], capture_output=True, timeout=30, env=env)
        except subprocess.TimeoutExpired:
            raise Wrong("hangs") from None
        if (done.returncode, done.stdout) != self.plain[mode]:
            raise Wrong(f"the target noticed: status {done.returncode}, {done.stdout[-200:]!r}, {done.stderr[-300:]!r}")
        counts = struct.unpack_from(f"<{CALLS}q", plan.read_bytes(), PLAN.size)
        return counts, done.stderr.decode(), sorted(folder.glob("*.tmk"))

    def check(self, mode, said, traces):
        """Raises Wrong unless the traces say what they hold and what they lack; the events lost."""
        wanted = MODES[mode]
        events = lost = silent = 0
        for trace in traces:
            done = subprocess.run([str(self.tidemark), "info", "--verify", str(trace)], capture_output=True, timeout=60)
            text = (done.stdout + done.stderr).decode()
            found = re.search(r"^lost events +(\d+)\ndamage +(.*)\nreplayed +(\d+) events, (\d+) impossible", text, re.M)
            if not found:
                raise Wrong(f"{trace.name} does not open: {text[-300:]}")
            if found.group(2) != "none" or int(found.group(4)):
                raise Wrong(f"{trace.name}: damage {found.group(2)}, {found.group(4)} impossible events")
            lost += int(found.group(1))
            events += int(found.group(3))
        silent = wanted["traces"] - len(traces)
        if silent > said.count("no trace"):
            raise Wrong(f"{len(traces)} traces of {wanted['traces']}, and nobody said so: {said!r}")
        if events + lost < wanted["events"] and not said.count("no trace"):
            raise Wrong(f"{events} events in the trace and {lost} lost, made were {wanted['events']}")
        return lost


def uses_of(count, whole, chance):
    """Which uses of a call that is made `count` times are to fail."""
    if whole or count <= 4:
        return list(range(1, count + 1))
    return sorted({1, 2, count, chance.randint(3, count - 1), chance.randint(3, count - 1)})


def plans(project, modes, whole, chance):
    """(mode, call, error, first, failures), each call of each mode in turn."""
    for mode in modes:
        counts, said, traces = project.run(mode)
        if project.check(mode, said, traces):
            raise Wrong(f"{mode}: events are lost when nothing fails")
        for call, errors in FAILS.items():
            made = counts[NUMBERS[call]]
            for error in errors:
                for first in uses_of(made, whole, chance):
                    for failures in (1, 5 if error in PASSING else FOREVER):
                        yield mode, call, error, first, failures
        unknown = [n for n, made in enumerate(counts) if made and n not in NUMBERS.values()]
        if unknown:
            raise Wrong(f"{mode}: system calls that FAILS does not know: {unknown}")


def attempt(project, plan):
    mode = plan[0]
    try:
        counts, said, traces = project.run(*plan)
        return plan, project.check(mode, said, traces), None
    except (Wrong, subprocess.TimeoutExpired) as why:
        return plan, 0, str(why)


def label(plan):
    mode, call, error, first, failures = plan
    return f"{mode}:{call}:{error}:{first}:{'all' if failures == FOREVER else failures}"


def parse_plan(text):
    mode, call, error, first, failures = text.split(":")
    return mode, call, error, int(first), FOREVER if failures == "all" else int(failures)


class Results:
    """What became of the runs, by mode and call."""

    def __init__(self):
        self.runs, self.lossy, self.failed = collections.Counter(), collections.Counter(), collections.defaultdict(list)

    def add(self, plan, lost, why):
        key = plan[:2]
        self.runs[key] += 1
        self.lossy[key] += lost > 0
        if why:
            self.failed[key].append(f"{label(plan)}: {why}")

    def print(self):
        for number, key in enumerate(self.runs, 1):
            bad = self.failed[key]
            note = f"{self.runs[key]} runs, {self.lossy[key]} with counted losses"
            print(f"{'not ok' if bad else 'ok'} {number} - faults {key[0]} {key[1]} ({note})")
            for line in bad[:6]:
                print("  # " + line)
        print(f"1..{len(self.runs)}")
        bad = sum(1 for key in self.runs if self.failed[key])
        print(f"# {sum(self.runs.values())} runs")
        print(f"{len(self.runs) - bad} passed, {bad} failed, 0 skipped")
        return 1 if bad else 0

    def table(self, path):
        """For docs/reliability.md: call, runs, runs that lost events and counted them, runs that went wrong."""
        calls = sorted({call for _, call in self.runs})
        with open(path, "w") as out:
            for call in calls:
                keys = [key for key in self.runs if key[1] == call]
                print(call, sum(self.runs[k] for k in keys), sum(self.lossy[k] for k in keys),
                      sum(len(self.failed[k]) for k in keys), sep="\t", file=out)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plans", nargs="*")
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("-j", type=int, default=os.cpu_count())
    parser.add_argument("--whole", action="store_true", help="every use of every call")
    parser.add_argument("--seconds", type=float, help="end after so long, having taken the runs in random order")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--modes", default=",".join(MODES), type=lambda text: text.split(","))
    parser.add_argument("--table", help="file for the figures")
    return parser.parse_args()


def main():
    options = arguments()
    project = Project(options.build)
    chance = random.Random(options.seed)
    results = Results()
    print(f"# seed {options.seed}")
    try:
        chosen = [parse_plan(text) for text in options.plans] or list(plans(project, options.modes, options.whole, chance))
        if options.seconds:
            chance.shuffle(chosen)
        until = time.monotonic() + (options.seconds or 1e9)
        with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
            for done in pool.map(lambda p: attempt(project, p) if time.monotonic() < until else None, chosen):
                if done:
                    results.add(*done)
    except Wrong as why:
        print(f"not ok 1 - faults\n  # {why}\n1..1\n0 passed, 1 failed, 0 skipped")
        return 1
    finally:
        shutil.rmtree(project.work, ignore_errors=True)
    if options.table:
        results.table(options.table)
    return results.print()


if __name__ == "__main__":
    sys.exit(main())
