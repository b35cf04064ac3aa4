#!/usr/bin/env python3
"""Compares a trace's totals with two other opinions, of runs of their own: a counting interposer (count.c) and valgrind.

For programs of one process that do the same each time. Valgrind counts a realloc as an allocation and a free, and frees
what libc holds at the end; what it loads itself is measured on a program that does nothing and taken off.
"""

import os
import re
import shutil
import struct
import subprocess
import sys

import common
import replay
from common import Wrong

# Not libc_inside: its iconv_open loads a library, and the loader's lists have grown before, by the recorder's own dlopen.
TARGETS = ["realloc_edges", "longjmp", "exceptions", "new_delete", "plugin_throw"]
NOT_BY_VALGRIND = ["realloc_edges"]  # it counts a realloc that fails as an allocation and a free
COMMANDS = {
    "perl": ["perl", "-e", 'my %h; $h{$_} = $_ x 3 for 1 .. 20000; print scalar(keys %h), "\\n"'],
    "sqlite3": ["sqlite3", ":memory:", "with recursive n(i) as (select 1 union all select i+1 from n where i<5000) "
                "select count(*), group_concat(i) from n;"],
    "lua": ["lua5.4", "-e", "local t={} for i=1,20000 do t[i%100]={i} end"],
}


def environment(work, **more):
    env = {k: v for k, v in os.environ.items() if not k.startswith("TIDEMARK_") and k != "LD_PRELOAD"}
    env.update(PERL_HASH_SEED="0", LC_ALL="C", COUNT_OUT=f"{work}/count", TIDEMARK_OUT=f"{work}/%e.%p.tmk", **more)
    return env


def counted(project, work, command):
    library = project.compile("count", shared=True)
    env = environment(work, LD_PRELOAD=str(library))
    subprocess.run(command, env=env, capture_output=True, check=True, timeout=60)
    files = list(work.glob("count.*"))
    if len(files) > 1:
        raise Wrong(f"{len(files)} processes counted")
    if not files:
        return 0, 0, 0
    allocations, size, frees, reallocs, realloc_bytes, _ = struct.unpack("<6Q", files[0].read_bytes())
    return allocations + reallocs, frees + reallocs, size + realloc_bytes


def by_valgrind(work, command):
    """None where the program does not work under valgrind (its operator new ends the program when it fails)."""
    done = subprocess.run(["valgrind", "--run-libc-freeres=no", "--run-cxx-freeres=no", *command], env=environment(work),
                          capture_output=True, text=True, timeout=120)
    found = re.search(r"total heap usage: ([\d,]+) allocs, ([\d,]+) frees, ([\d,]+) bytes", done.stderr)
    return tuple(int(g.replace(",", "")) for g in found.groups()) if found and done.returncode == 0 else None


def traced(project, work, command):
    link = project.scratch / "libtrace.so"
    if not link.is_symlink():
        link.symlink_to("../libtrace.so")
    subprocess.run(command, env=environment(work, LD_PRELOAD=str(link)), capture_output=True, check=True, timeout=60)
    traces = list(work.glob("*.tmk"))
    if len(traces) != 1:
        raise Wrong(f"{len(traces)} traces")
    found = replay.summary(project.dump_lines(traces[0]))
    if found["impossible"] or found["lost"]:
        raise Wrong(f"{found['impossible']} impossible, {found['lost']} lost")
    return found["allocations"], found["frees"], found["bytes"]


def close(a, b, slack):
    return all(abs(x - y) <= slack * weight for x, y, weight in zip(a, b, (1, 1, 4096)))


def case(project, name, command):
    work = project.scratch / f"counts.{name}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    oracle, trace = counted(project, work, command), traced(project, work, command)
    # The length of a path in the environment may move a byte count, never a number of calls.
    if oracle[:2] != trace[:2] or abs(oracle[2] - trace[2]) > 1000:
        raise Wrong(f"trace (allocations, frees, bytes) {trace}, counted {oracle}")
    note = f"{trace[0]} allocations"
    third = by_valgrind(work, command) if shutil.which("valgrind") and name not in NOT_BY_VALGRIND else None
    if third:
        for path in work.glob("count.*"):
            path.unlink()
        offset = [v - c for v, c in zip(by_valgrind(work, ["/bin/true"]), counted(project, work, ["/bin/true"]))]
        third = tuple(v - o for v, o in zip(third, offset))
        if not close(third, trace, 60):
            raise Wrong(f"trace {trace}, valgrind {third}")
        note += ", valgrind agrees"
    shutil.rmtree(work)
    return note


def main():
    parser = common.parser(__doc__.splitlines()[0])
    options = parser.parse_args()
    project = common.Project(options.build)
    programs = project.build / "programs"
    os.environ["TEST_PLUGINS"] = str(programs)
    subprocess.run([str(common.ROOT / "tests" / "programs" / "run"), "--build", options.build, "--compile", *TARGETS], check=True)
    commands = {name: [str(programs / name)] for name in TARGETS}
    commands.update({name: c for name, c in COMMANDS.items() if shutil.which(c[0])})
    return common.run_cases([(f"counts {name}", lambda n=name, c=command: case(project, n, c))
                             for name, command in commands.items()])


if __name__ == "__main__":
    sys.exit(main())
