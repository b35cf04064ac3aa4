"""The ways in which the oracles end a program: signals, a smashed stack, no address space, a cgroup without memory.

An end is prepared before the program starts (`with prepared(name) as start: Popen(..., preexec_fn=start)`) and comes with
`strike(name, child, start)`. KINDS are those that this machine can do, `missing()` says what it can't and why.
"""

import contextlib
import functools
import os
import re
import resource
import signal
import time
from pathlib import Path

from common import Wrong

SLACK = 16 << 20  # bytes that a program may still have
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGABRT": signal.SIGABRT, "SIGSEGV": signal.SIGSEGV,
           "stack smash": signal.SIGUSR1, "cgroup out of memory": signal.SIGUSR2}
SPACE = "out of address space"
CGROUP = "cgroup out of memory"
FLAGS = ["-fstack-protector-all"]
ROOTS = ((Path("/sys/fs/cgroup"), "memory.max"), (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"))


class Cgroup:
    """A memory cgroup of our own, version 2 or 1; None where there is none to write to."""

    def __init__(self, folder, limit):
        self.folder, self.limit = folder, folder / limit

    @staticmethod
    def make():
        for root, limit in ROOTS:
            folder = root / f"tidemark.{os.getpid()}.{time.monotonic_ns()}"
            with contextlib.suppress(OSError):
                folder.mkdir()
                if (folder / limit).exists():
                    return Cgroup(folder, limit)
                folder.rmdir()
        return None

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def tighten(self):
        used = self.folder / ("memory.current" if self.limit.name == "memory.max" else "memory.usage_in_bytes")
        with contextlib.suppress(OSError):  # what is in use can't always be taken away: the program gets no more then
            self.limit.write_text(str(int(used.read_text()) + SLACK))

    def remove(self):
        for _ in range(100):
            with contextlib.suppress(OSError):
                self.folder.rmdir()
                return
            time.sleep(0.02)


@functools.cache
def has_cgroup():
    group = Cgroup.make()
    if group:
        group.remove()
    return group is not None


def kinds():
    return [k for k in (*SIGNALS, SPACE) if k != CGROUP or has_cgroup()]


def missing():
    return [] if has_cgroup() else [f"{CGROUP}: no memory cgroup can be made here"]


@contextlib.contextmanager
def prepared(kind):
    group = Cgroup.make() if kind == CGROUP else None
    try:
        yield group
    finally:
        if group:
            group.remove()


def await_handler(child, number):
    """Until the library has taken the signal, which the program may not have got to yet."""
    until = time.monotonic() + 20
    while time.monotonic() < until and child.poll() is None:
        status = Path(f"/proc/{child.pid}/status").read_text()
        if int(re.search(r"SigCgt:\s*(\w+)", status).group(1), 16) >> (number - 1) & 1:
            return
        time.sleep(0.002)


def strike(kind, child, group):
    """Ends the program; a process that has ended by then is left alone."""
    if group:
        group.tighten()
    if kind == SPACE:
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{child.pid}/statm").read_text().split()[0])
            limit = pages * resource.getpagesize()
            resource.prlimit(child.pid, resource.RLIMIT_AS, (limit, limit))
        time.sleep(0.05)
    number = SIGNALS.get(kind, signal.SIGKILL)
    if number in (signal.SIGUSR1, signal.SIGUSR2):
        await_handler(child, number)
    child.send_signal(number)
    status = child.wait(30)
    if group and status != -signal.SIGKILL:
        raise Wrong(f"the cgroup's limit did not end it: status {status}")
