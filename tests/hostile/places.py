#!/usr/bin/env python3
"""Paths in traces: places.py --build BUILD

A trace names files as its program, modules, parent, children, mappings and strings: files that exist and could be written. Every command
reads it under strace(1): it opens nothing for writing but the output it was given (and /dev/null), runs nothing, connects to nothing, and
removes, renames and links nothing else. What holds addresses of a process is private whatever the umask. Output is TAP.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import craft  # noqa: E402

CALLS = "open,openat,openat2,creat,truncate,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat," \
        "chmod,fchmodat,chown,fchownat,mknod,mknodat,execve,execveat,connect,bind,kill,process_vm_writev,ptrace"
COMMANDS = [["report", "TRACE", "--json", "OUT"], ["report", "TRACE", "--html", "OUT"], ["check", "TRACE", "--junit", "OUT"],
            ["info", "--verify", "TRACE"], ["dump", "TRACE"], ["watch", "--plain", "--count", "1", "TRACE"],
            ["diff", "TRACE", "TRACE", "--json", "OUT"], ["bundle", "-q", "TRACE", "-o", "OUT"], ["repair", "-q", "TRACE", "-o", "OUT"],
            ["budget", "TRACE"]]
COMMANDS += [["export", "-f", form, "TRACE", "-o", "OUT"]
             for form in ("folded", "pprof", "massif", "speedscope", "callgrind", "heaptrack", "perfetto", "sqlite", "openmetrics", "csv")]
PRIVATE = ("bundle", "repair")


def victims(folder):
    """{which: path} of files that a trace may name; each is a shared library, so that it is read as one."""
    (folder / "victim.c").write_text("int victim(int n) { return n; }\n")
    subprocess.run(["cc", "-g", "-shared", "-fPIC", "-Wl,--build-id=none", "victim.c", "-o", "victim.so"], cwd=folder, check=True)
    made = {}
    for which in ("exe", "cwd", "host", "kernel", "libc", "allocator", "parent", "recorder", "argument", "-argument", "module", "mapping",
                  "child", "string"):
        made[which] = folder / f"{which.strip('-')}.victim"
        shutil.copy(folder / "victim.so", made[which])
        made[which].chmod(0o666)
    return made


def write_trace(path, files):
    def name(which):
        return str(files[which])
    base = 0x7F0000000000
    craft.Trace().records(
        craft.process(name), craft.clock(0), craft.record(craft.THREAD, 1, 100, 1, name("string")),
        craft.record(craft.STRING, 1, name("string")),
        craft.record(craft.MODULE, 1, 0, base, base + (1 << 20), base, name("module"), b"", 0),
        craft.record(craft.MAPPING, 0, 1, 0x10000000, 1 << 24, 3, name("mapping")),
        craft.record(craft.CHILD, 5, 4712, 1, 1, name("child"), ""),
        craft.clock(10**9),
    ).nodes(1, [(0, base + 0x1100, 1)]).ring(1, [
        craft.event(craft.PHASE_BEGIN, 10, 1), craft.event(craft.ALLOC, 20, 0x10000000, 1000, 1), craft.event(craft.PHASE_END, 30, 1),
    ]).write(path)


def harmless(line, tidemark, out):
    """Whether a call that strace told of may be made."""
    call = re.match(r"(?:\[pid +\d+\] )?(\w+)\(", line)
    if not call or " = -1 " in line:
        return True
    if call[1] in ("open", "openat", "openat2"):
        writes = re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND", line)
        return not writes or f'"{out}' in line or '"/dev/null"' in line
    if call[1] == "execve":
        return f'"{tidemark}"' in line
    if call[1] == "kill":
        return "SIGKILL" in line # of its own reading process
    return f'"{out}' in line


def attempt(tidemark, folder, words):
    """What is wrong, or None."""
    out, log = folder / "out", folder / "strace"
    out.unlink(missing_ok=True)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.glob("*.victim")}
    told = [str({"TRACE": folder / "trace.tmk", "OUT": out}.get(word, word)) for word in words]
    more = ["--no-cache"] if words[0] in ("report", "check", "watch", "diff", "export", "bundle") else []
    done = subprocess.run(["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={CALLS}", tidemark, *told, *more], cwd=folder, check=False,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=60, preexec_fn=lambda: os.umask(0),
                          env={key: value for key, value in os.environ.items() if not key.startswith(("TIDEMARK", "DEBUGINFOD"))})
    if done.returncode not in (0, 3, 10, 11, 12):
        return f"exit status {done.returncode}: {done.stderr[-200:]}"
    lines = [re.sub(r"^\d+ +", "", line) for line in log.read_text(errors="replace").split("\n")]
    if not any("trace.tmk" in line for line in lines):
        return "strace saw nothing"
    bad = [line for line in lines if not harmless(line, tidemark, out)]
    if bad:
        return f"{len(bad)} calls, the first {bad[0]}"
    if before != {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.glob("*.victim")}:
        return "a file that the trace names was changed"
    if words[0] in PRIVATE and out.stat().st_mode & 0o777 != 0o600:
        return f"its output has mode {out.stat().st_mode & 0o777:o}"
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--build", default="build")
    chosen = arguments.parse_args()
    tidemark = os.environ.get("TIDEMARK", str(Path(chosen.build).resolve() / "tidemark"))
    if not shutil.which("strace") or subprocess.run(["strace", "-o", "/dev/null", "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        print("1..1\nok 1 - places # skip strace(1) can't be used here")
        return 0
    folder = Path(chosen.build).resolve() / "hostile" / f"places.{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_trace(folder / "trace.tmk", victims(folder))
    failed = 0
    print(f"1..{len(COMMANDS)}")
    for number, words in enumerate(COMMANDS, 1):
        wrong = attempt(tidemark, folder, words)
        failed += bool(wrong)
        print(f"{'not ' if wrong else ''}ok {number} - {' '.join(words)}" + (f"\n  # {wrong}" if wrong else ""), flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
