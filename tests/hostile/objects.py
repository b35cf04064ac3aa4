#!/usr/bin/env python3
"""Damaged object files: objects.py --build BUILD [--times N] [--seed N]

Names of code are read from the files that a trace names, and those may be anything. Real shared libraries (DWARF 4 and 5, compressed
sections, separate debug information) get other bytes in their headers, tables and debug sections, are cut, or claim huge sizes; some paths
are no files at all. A trace names many such files and two good ones. The report must come in bounded time and memory, be valid, and
have the names of the good ones. Output is TAP.
"""

import argparse
import json
import os
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import craft  # noqa: E402

SOURCE = r"""
#include <stdlib.h>
struct node { struct node *next; int values[4]; };
static inline __attribute__((always_inline)) struct node *make_node(struct node *next) {
    struct node *made = malloc(sizeof *made);
    made->next = next;
    return made;
}
__attribute__((noinline)) struct node *grow_list(struct node *list, int count) {
    for (int i = 0; i < count; i++) list = make_node(list);
    return list;
}
__attribute__((noinline)) int sum_list(const struct node *list) {
    int sum = 0;
    for (; list; list = list->next) sum += list->values[0];
    return sum;
}
int GOOD_NAME(int count) { return sum_list(grow_list(NULL, count)); }
"""
# What an unknown fault in a library that reads such files would do. Whoever waits for an answer, as long as it said that it
# would, waits no longer once the reader is known to hang: a slow machine is no hanging one.
FAULTS = r"""
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
static atomic_bool *hangs; /* shared with the readers, which are forked */
__attribute__((constructor)) static void share(void) {
    hangs = mmap(NULL, sizeof *hangs, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (hangs == MAP_FAILED) abort();
}
int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = flags & O_CREAT ? va_arg(more, int) : 0;
    va_end(more);
    if (strstr(path, "crash")) abort();
    if (strstr(path, "hang")) *hangs = 1;
    while (strstr(path, "hang")) pause();
    return openat(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
ssize_t recv(int socket, void *out, size_t room, int flags) {
    struct timeval patience = {0, 0}, little = {0, 1000};
    struct pollfd answer = {.fd = socket, .events = POLLIN};
    while (!*hangs && poll(&answer, 1, 10) == 0) {}
    getsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, &(socklen_t){sizeof patience});
    if (*hangs && patience.tv_sec) setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &little, sizeof little);
    *hangs = 0;
    return recvfrom(socket, out, room, flags, NULL, NULL);
}
"""
KINDS = {"dwarf5": ["-gdwarf-5"], "dwarf4": ["-gdwarf-4"], "packed": ["-g", "-gz=zlib"], "types": ["-g3", "-fdebug-types-section"],
         "bare": ["-g0"]}
MODULE_SIZE = 1 << 24
FIRST_BASE = 0x7F0000000000
ADDRESSES = 5
SECONDS_MAX = 60
MEMORY_MAX = 1 << 30
HUGE = (0xFFFFFFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFF, 0x7FFFFFFF, 1 << 40, 0)


def compiled(folder, prefix):
    """{kind: (path, offset of the function)}; the function is called PREFIX_KIND."""
    folder.mkdir()
    made = {}
    for kind, flags in KINDS.items():
        source, library = folder / f"{kind}.c", folder / f"{kind}.so"
        source.write_text(SOURCE.replace("GOOD_NAME", f"{prefix}_{kind}"))
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-Wl,--build-id=none", *flags, source.name, "-o", library.name], cwd=folder, check=True)
        symbols = subprocess.run(["nm", library.name], cwd=folder, check=True, capture_output=True, text=True).stdout
        made[kind] = library, int(re.search(rf"^(\w+) T {prefix}_{kind}$", symbols, re.M).group(1), 16)
    return made


def sections(data):
    """(offset of the header, offset, size) of each section that has bytes."""
    table, = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    for n in range(count):
        at = table + n * size
        kind, = struct.unpack_from("<I", data, at + 4)
        offset, length = struct.unpack_from("<QQ", data, at + 24)
        if kind not in (0, 8) and length:
            yield at, offset, length


def mutated(data, choose):
    made, parts = bytearray(data), list(sections(data))
    for _ in range(choose.choice((1, 2, 5, 40))):
        header, offset, length = choose.choice(parts)
        how = choose.randrange(7)
        if how == 0: # somewhere in a section
            made[offset + choose.randrange(length)] = choose.randrange(256)
        elif how == 1: # at its beginning, where lengths and counts stand
            struct.pack_into("<I", made, offset + min(choose.choice((0, 4, 8, 12)), max(length - 4, 0)), choose.choice(HUGE) & 0xFFFFFFFF)
        elif how == 2: # its place, size, alignment, size of an entry
            struct.pack_into("<Q", made, header + choose.choice((16, 24, 32, 48, 56)), choose.choice(HUGE))
        elif how == 3: # its kind, flags, link
            struct.pack_into("<I", made, header + choose.choice((0, 4, 8, 40, 44)), choose.randrange(1 << 32))
        elif how == 4: # the header of the file and of its segments
            struct.pack_into("<H", made, choose.randrange(16, 64 + 56 * 4), choose.randrange(1 << 16))
        elif how == 5: # a piece of another section
            _, source, there = choose.choice(parts)
            piece = data[source:source + min(there, length, choose.choice((8, 64, 1000)))]
            made[offset:offset + len(piece)] = piece
        else:
            at = choose.randrange(length)
            made[offset + at:offset + min(length, at + 64)] = choose.randbytes(min(64, length - at))
    if choose.random() < 0.1:
        made = made[:choose.randrange(len(made))]
    return bytes(made)


def faulty(folder, bases):
    """Files whose reader crashes or hangs; the library that makes it."""
    (folder / "faults.c").write_text(FAULTS)
    subprocess.run(["cc", "-shared", "-fPIC", "faults.c", "-o", "faults.so"], cwd=folder, check=True)
    path, offset = bases["dwarf5"]
    made = []
    for n in range(30):
        bad = folder / f"{'hang' if n % 6 == 0 else 'crash'}{n}.so"
        shutil.copy(path, bad)
        made.append((str(bad), [offset, offset + 8]))
    return made, str(folder / "faults.so")


def odd_places(folder):
    """Paths that are no object files."""
    os.mkfifo(folder / "pipe.so")
    (folder / "folder.so").mkdir()
    (folder / "loop.so").symlink_to("loop.so")
    (folder / "empty.so").touch()
    (folder / "hole.so").touch()
    os.truncate(folder / "hole.so", 1 << 40)
    (folder / "elf.so").write_bytes(b"\x7fELF")
    return [str(folder / name) for name in ("pipe.so", "folder.so", "loop.so", "empty.so", "hole.so", "elf.so")] + [
        "/dev/zero", "/dev/tty", "/proc/self/mem", "/proc/self/fd/0", "", "relative.so", "/" * 5000]


def write_trace(path, modules):
    """One module a path; each has stacks at the offsets given."""
    records = [craft.process(lambda which: which), craft.clock(0), craft.record(craft.THREAD, 1, 100, 1, "main")]
    nodes, events = [], []
    for number, (name, offsets) in enumerate(modules, 1):
        base = FIRST_BASE + number * MODULE_SIZE
        records.append(craft.record(craft.MODULE, number, 0, base, base + MODULE_SIZE, base, name, b"", 0))
        for offset in offsets:
            nodes.append((0, base + offset + 1, number))
            events.append(craft.event(craft.ALLOC, 100 + len(events), 0x10000 + 4096 * len(events), 1000, len(nodes)))
    craft.Trace().records(*records).nodes(1, nodes).ring(1, events).write(path)


def report(tidemark, folder, preload):
    """The report; or what went wrong."""
    out = folder / "report.json"
    out.unlink(missing_ok=True)
    with open(folder / "said", "wb") as said:
        child = subprocess.Popen([tidemark, "report", "--no-cache", "--top", "10000", "--json", str(out), "--html", str(folder / "report.html"),
                                  str(folder / "trace.tmk")], stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                                 env={**os.environ, "LD_PRELOAD": preload})
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = usage.ru_utime + usage.ru_stime  # its readers' too
    if child.returncode:
        return None, f"exit status {child.returncode}: {(folder / 'said').read_bytes()[-300:]}"
    if seconds > SECONDS_MAX or usage.ru_maxrss * 1024 > MEMORY_MAX:
        return None, f"{seconds:.1f} s of processor time, {usage.ru_maxrss >> 10} MiB"
    return out.read_text(encoding="utf-8"), None


def attempt(tidemark, folder, good, bad, preload=""):
    """What is wrong, or None."""
    modules = bad + [(str(path), [offset]) for path, offset in good.values()]
    write_trace(folder / "trace.tmk", modules)
    text, wrong = report(tidemark, folder, preload)
    if wrong:
        return wrong
    json.loads(text)
    missing = [kind for kind in good if f'"good_{kind}' not in text]
    return f"no names from the good files {missing}" if missing else None


def mutants(folder, bases, choose, count):
    made = []
    for n in range(count):
        path, offset = bases[choose.choice(sorted(bases))]
        (folder / f"bad{n}.so").write_bytes(mutated(path.read_bytes(), choose))
        made.append((str(folder / f"bad{n}.so"), [offset] + [choose.randrange(0x1000, 0x1400) for _ in range(ADDRESSES - 1)]))
    return made


def debug_mutants(folder, bases, choose, count):
    """Stripped files that are sound, with damaged debug information beside them."""
    made = []
    for n in range(count):
        kind = choose.choice(sorted(set(bases) - {"bare"}))
        path, offset = bases[kind]
        whole, debug = folder / f"split{n}.so", folder / f"split{n}.debug"
        subprocess.run(["objcopy", "--only-keep-debug", path, debug], check=True)
        subprocess.run(["objcopy", "--strip-debug", f"--add-gnu-debuglink={debug}", path, whole], check=True)
        data = mutated(debug.read_bytes(), choose)
        debug.write_bytes(data)
        made.append((str(whole), [offset, offset + 8]))
    return made


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--build", default="build")
    arguments.add_argument("--times", type=int, default=4, help="traces with sixty damaged files each")
    arguments.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    chosen = arguments.parse_args()
    tidemark = os.environ.get("TIDEMARK", str(Path(chosen.build).resolve() / "tidemark"))
    folder = Path(chosen.build).resolve() / "hostile" / f"objects.{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    good, spoilt, failed = compiled(folder / "good", "good"), compiled(folder / "spoilt", "spoilt"), 0
    print(f"# seed {chosen.seed}\n1..{3 + chosen.times}")

    def case(number, name, bad, preload=""):
        wrong = attempt(tidemark, folder, good, bad, preload)
        if wrong: # for whoever looks into it
            kept = folder.parent / f"failed.{number}"
            shutil.rmtree(kept, ignore_errors=True)
            subprocess.run(["cp", "-a", "--sparse=always", folder, kept], check=True) # one is a hole of a TiB, one a pipe
        print(f"{'not ' if wrong else ''}ok {number} - {name}" + (f"\n  # {wrong}" if wrong else ""), flush=True)
        return bool(wrong)

    failed += case(1, "places that are no object files", [(name, [16]) for name in odd_places(folder)])
    choose = random.Random(f"{chosen.seed} debug")
    failed += case(2, "damaged debug information beside sound files (20 files)", debug_mutants(folder, spoilt, choose, 20))
    failed += case(3, "files whose reader crashes or hangs (30 files)", *faulty(folder, spoilt))
    for n in range(chosen.times):
        choose = random.Random(f"{chosen.seed} {n}")
        failed += case(4 + n, "damaged files (60 files)", mutants(folder, spoilt, choose, 60))
    shutil.rmtree(folder, ignore_errors=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
