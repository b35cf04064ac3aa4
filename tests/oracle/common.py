"""What the oracles share: where the built project is, building an oracle's program, running it traced, dumping its trace."""

import argparse
import contextlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RUN = "1" * 32


class Wrong(Exception):
    """The trace and the oracle disagree."""


def parser(about):
    made = argparse.ArgumentParser(description=about)
    made.add_argument("--build", default=str(ROOT / "build"), help="where libtrace.so and tidemark are")
    made.add_argument("--soak", action="store_true", help="many more rounds")
    return made


class Project:
    def __init__(self, build):
        self.build = Path(build).resolve()
        self.scratch = self.build / "oracle"
        self.scratch.mkdir(parents=True, exist_ok=True)

    def compile(self, name, *flags, shared=False):
        source, target = HERE / f"{name}.c", self.scratch / (f"lib{name}.so" if shared else name)
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            kind = ["-shared", "-fPIC"] if shared else []
            whole = target.with_name(f"{target.name}.{os.getpid()}")  # another oracle may want it at the same time
            subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-fno-builtin", "-Wall", "-Wextra", *kind,
                            str(source), "-o", str(whole), "-pthread", *flags], check=True)
            whole.replace(target)
        return target

    def environment(self, out, preload=(), writer=None, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith("TIDEMARK_")}
        env["LD_PRELOAD"] = ":".join([str(self.build / "libtrace.so"), *preload])
        env["TIDEMARK_OUT"] = f"{out}/%e.%p.tmk"
        if writer:
            env["TIDEMARK_WRITER"] = writer
            env["TIDEMARK_RUN"] = RUN
        env.update(more)
        return env

    @contextlib.contextmanager
    def beside(self, out, writer):
        """The writer process for traces in `out`, where that is the writer asked for; yields it or None."""
        if writer != "process":
            yield None
            return
        child = subprocess.Popen([str(self.build / "tidemark-writer"), f"{out}/none", str(out), RUN],
                                 stdin=subprocess.PIPE)
        try:
            yield child
        finally:
            child.stdin.close()
            child.wait(60)

    def dump_lines(self, trace, *options):
        """The dump of a trace, line by line: by tidemark, or by the second decoder before there is a tidemark."""
        tidemark, decoder = self.build / "tidemark", ROOT / "tests" / "decode.py"
        command = [tidemark, "dump", *options, trace] if tidemark.exists() else [sys.executable, decoder, trace]
        child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 encoding="latin-1")
        yield from child.stdout
        note = child.stderr.read()
        if child.wait() != 0:
            raise Wrong(f"{trace.name} cannot be dumped: {note[-300:]}")


def run_cases(cases):
    """TAP over (name, function) pairs; the exit status."""
    failed = 0
    for number, (name, function) in enumerate(cases, 1):
        try:
            note = function()
            print(f"ok {number} - {name}" + (f" ({note})" if note else ""), flush=True)
        except (Wrong, subprocess.SubprocessError, ValueError) as why:
            failed += 1
            print(f"not ok {number} - {name}\n  # {why}", flush=True)
    print(f"1..{len(cases)}\n{len(cases) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0
