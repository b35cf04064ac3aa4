#!/usr/bin/env python3
"""Small files that ask for much: bombs.py --build BUILD [--all] [CASE...]

Each case is a trace or a bundle of at most two megabytes whose lengths, counts, ids or holes claim more than any program has,
or that inflates to a thousand times its size. Whatever the analyzer says of it, it must end in seconds, in bounded memory
and by itself: no signal, no abort. Output is TAP.
"""

import argparse
import os
import resource
import shutil
import struct
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import craft  # noqa: E402
from craft import Bundle, Raw, Trace, event, record, varint  # noqa: E402

MEMORY_MAX = 1 << 30
CPU_MAX = 20  # of one trace; exports may look at it twice, a comparison looks at two
FILE_MAX = 128 << 20
MIB = 1 << 20


def plain(which):
    return which


def begun(**more):
    return Trace(**more).records(craft.process(plain), craft.clock(0), craft.record(craft.THREAD, 1, 100, 1, "main"))


def repeated(kind, one, most=16 * MIB, frames=12, **more):
    """Frames that inflate to 16 MiB of the same bytes each."""
    made, raw = begun(), one * (most // len(one))
    for n in range(frames):
        made.packed(kind, raw, first=n * len(raw), end=(n + 1) * len(raw), **more)
    return made


def numbered(make, count=1_000_000):
    """A journal of records that have numbers."""
    made = begun()
    for first in range(0, count, 250_000):
        raw = b"".join(make(n) for n in range(first, min(count, first + 250_000)))
        made.packed(craft.RECORDS, raw, first=1, end=len(raw))
    return made


def few_events(made, stack=1, size=100, address=0x10000, count=40):
    return made.ring(1, [event(craft.ALLOC, 10 + n, address + 4096 * n, size, stack) for n in range(count)], 1 << 16)


def columns(count, tokens, **columns_of):
    """The payload of an events frame: tokens, and what other columns hold by number."""
    parts = [tokens] + [columns_of.get(f"c{n}", b"") for n in range(1, 13)]
    head = varint(0) + varint(15) + varint(count) + b"".join(varint(len(part)) for part in parts)
    return head + b"".join(parts)


# Decompression.

def zeros_as_events():
    return repeated(craft.EVENTS, b"\0", frames=60, thread=1, count=32768)


def zeros_as_records():
    return repeated(craft.RECORDS, b"\0", frames=60)


def strings():
    return repeated(craft.RECORDS, record(craft.STRING, 1, "x"))


def losses():
    return repeated(craft.RECORDS, record(12, 1, 2, 1, 1, 1))


def children():
    return repeated(craft.RECORDS, record(craft.CHILD, 5, 6, 1, 1, "p", "w"))


def requests():
    return repeated(craft.RECORDS, record(craft.REQUEST, 5, 2, 0, "phase"))


def nodes():
    made = begun()
    count = 5 * MIB
    raw = b"\1" * count + b"\2" + b"\0" * (count - 1) + b"\2" + b"\0" * (count - 1)
    for n in range(30):
        made.packed(craft.NODES, raw, first=1 + n * count, end=1 + (n + 1) * count, count=count)
    return few_events(made, 30 * count - 2)


def events_of_many_threads():
    made = begun()
    payload = columns(32768, b"\2" * 32768)
    for thread in range(1, 3000):
        made.packed(craft.EVENTS, payload, thread=thread, first=0, end=32768 * 3, count=32768)
    return made


def escapes_of_many_threads():
    """Frames that decode: fork events, 32 768 of them in some hundred bytes, all at the same time."""
    made, count = begun(), 32768
    tokens = bytes([206]) + b"\0" * (count - 1)
    payload = columns(count, tokens, c1=bytes([46, 0]) * count, c8=b"\0\0" * count, c9=b"\0" * count)
    packed = zlib.compress(payload, 9)
    for thread in range(1, 2000):
        made.frame(craft.EVENTS, packed, codec=1, raw=len(payload), thread=thread, first=0, end=2 * count, count=count)
    return made


# Ids and counts.

def last_node():
    return few_events(begun().nodes(1, [(0, 0x1000, 0)]).nodes(0xFFFFFFF0, [(1, 0x2000, 0)]), 0xFFFFFFF0)


def sparse_nodes():
    made = begun()
    for n in range(20000):
        made.nodes(n * 65536 + 1, [(0, 0x1000, 0)])
    return few_events(made, 19999 * 65536 + 1)


def last_thread():
    made = begun()
    for thread in (0xFFFFFC00, 1 << 31, 1 << 24):
        made.ring(thread, [event(craft.ALLOC, 10 + n, 0x10000 + 4096 * n, 100, 1) for n in range(40)], 1 << 16)
    return made


def last_stack():
    return few_events(begun(), 0xFFFFFFFF)


def deep_stack():
    made = begun().nodes(1, [(n, 0x1000 + n, 0) for n in range(300_000)])
    return made.ring(1, [event(craft.ALLOC, 10 + n, 4096 * n + 65536, 100, 300_000 - n) for n in range(1000)])


def cycle():
    """A node that is its own parent, and two that are each other's, where the slot says so."""
    node = struct.pack("<QII", 0x1000, 2, 0) + struct.pack("<QII", 0x1000, 1, 0) + struct.pack("<QII", 0x1000, 3, 0)
    made = begun()
    made.to_page()
    made.frame(craft.SLOT_NODES, bytes(16) + node, stored=65536 * 16)
    return few_events(made, 2)


def last_string():
    return begun().records(record(craft.STRING, (1 << 24) - 1, "x"), record(craft.STRING, (1 << 63) - 1, "x"))


def threads_downwards():
    return numbered(lambda n: record(craft.THREAD, 4_000_000 - n, 1, 1, "t"))


def modules_gone():
    return numbered(lambda n: record(craft.MODULE, n + 1, 0, 1, 2, 0, "m", b"", 0) if n < 150_000
                    else record(craft.MODULE_GONE, 1 + n % 150_000, 5), 300_000)


def clocks():
    made = numbered(craft.clock, 500_000)
    return few_events(made)


def clocks_at_once():
    return few_events(begun().records(record(craft.CLOCK, 1, 1, 1, 1), record(craft.CLOCK, 2, 2**63, 2**63, 2**63),
                                      record(craft.CLOCK, 2**63, 1, 1, 1)))


def arguments():
    made = Trace()
    body = b"".join(craft.text("x") for _ in range(8)) + varint(3_000_000) + b"\0" * 3_000_000
    head = b"".join(varint(n) for n in (1, 1, 1, 0, 0)) + bytes(16) + b"".join(varint(0) for _ in range(8))
    return few_events(made.packed(craft.RECORDS, record(craft.PROCESS, Raw(head + body)), end=1))


def argument_count():
    head = b"".join(varint(n) for n in (1, 1, 1, 0, 0)) + bytes(16) + b"".join(varint(0) for _ in range(8))
    return few_events(Trace().records(record(craft.PROCESS, Raw(head + b"\0" * 8 + varint((1 << 64) - 1)))))


def long_names():
    """A phase, a thread and an operation with names of megabytes."""
    name = b"n" * (5 * MIB)
    made = begun().packed(craft.RECORDS, record(craft.STRING, 1, name) + record(craft.THREAD_NAME, 1, name), end=1)
    events = []
    for n in range(400):
        events += [event(craft.PHASE_BEGIN, 100 * n, 1), event(craft.ALLOC, 100 * n + 1, 65536 + 4096 * n, 10, 1),
                   event(craft.OP_BEGIN, 100 * n + 2, 1), event(craft.OP_END, 100 * n + 3, 1), event(craft.PHASE_END, 100 * n + 4, 1)]
    return made.ring(1, events)


def nested_phases():
    made = begun().records(*(record(craft.STRING, n, f"p{n}") for n in range(1, 20)))
    return made.ring(1, [event(craft.PHASE_BEGIN, 10 + n, 1 + n % 19) for n in range(60_000)])


def many_phases():
    made = numbered(lambda n: record(craft.STRING, n + 1, f"p{n}"), 20_000)
    events = []
    for n in range(20_000):
        events += [event(craft.PHASE_BEGIN, 10 * n, n + 1), event(craft.ALLOC, 10 * n + 1, 65536 + 64 * n, 10, 1 + n % 50),
                   event(craft.PHASE_END, 10 * n + 5, n + 1)]
    return made.nodes(1, [(0, 0x1000 + n, 0) for n in range(50)]).ring(1, events)


def phases_of_requests():
    made = numbered(lambda n: record(craft.REQUEST, 10 + n, 2, 0, f"p{n % 5000}"), 60_000)
    return few_events(made)


def open_operations():
    made = begun().records(record(craft.STRING, 1, "op"))
    return made.ring(1, [[37 | 1 << 16, 10 + n, n] for n in range(40_000)])


def many_values():
    made = numbered(lambda n: record(craft.STRING, n + 1, f"v{n}"), 30_000)
    return made.ring(1, [event(craft.VALUE, 10 + n, n + 1, 0x3FF0000000000000) for n in range(30_000)])


def large_blocks():
    return few_events(begun().nodes(1, [(0, 0x1000, 0)]), 1, 0xFFFFFFFF, 0x7F0000000000, 30000)


def widest_blocks():
    made = begun()
    words = [[1 | 1 << 8 | (0x10000 * n) << 16, n + 1, 1 << 32, (1 << 64) - 1 - 4096 * n] for n in range(5000)]
    return made.ring(1, words)


def maps_and_holes():
    """A mapping of everything, then holes in it."""
    words = [[6 | 1 << 8, 1, 1 << 32, 1 << 47]]
    words += [[7 | 1 << 8 | (8192 * (n * 7919 % 30_000)) << 16, 10 + n, 1 << 32, 4096] for n in range(30_000)]
    return begun().ring(1, words)


def breaks():
    return begun().ring(1, [[12 | 1 << 8 | (n % 2 << 46) << 16, 10 + n, 1 << 32, (1 << 63) + n] for n in range(20_000)])


# Looks at pages.

def look(*records):
    return few_events(begun().records(*records, record(craft.MEMORY, 5, 1 << 30, 1 << 20, 0, 0, 0, 1, 1, 2)))


def resident_everywhere():
    return look(record(craft.MAPPING, 1, 1, 0, (1 << 47), 3, "all"), record(11, 2, 0, 4096, 0, 1 << 35))


def small_pages():
    return look(record(craft.MAPPING, 1, 1, 0, (1 << 47), 3, "all"), record(11, 2, 0, 1, *([1] * 100_000)),
                record(11, 2, 0, 0, *([1] * 1000)))


def resident_here_and_there():
    return look(record(craft.MAPPING, 1, 1, 0, (1 << 47), 3, "all"), record(11, 2, 0, 4096, *([1] * 500_000)))


def mapping_count():
    return look(record(craft.MAPPING, 1, (1 << 64) - 1, 0, 4096, 3, "m"))


def many_mappings():
    body = [part for n in range(60_000) for part in (4096, 4096, 3, "m")]
    return look(record(craft.MAPPING, 1, 60_000, *body))


def mappings_downwards():
    return look(*(record(craft.MAPPING, 1, 1, (1 << 40) - 8192 * n, 4096, 3, "m") for n in range(50_000)))


def many_looks():
    one = record(craft.MAPPING, 1, 1, 0x10000, 1 << 24, 3, "m") + record(11, 2, 0x10000, 4096, 0, 4096)
    return few_events(numbered(lambda n: one + record(craft.MEMORY, 5 + n, 1 << 30, 1 << 20, 0, 0, 0, 1, 1, 2), 10_000))


# Slots and holes.

def sparse_rings():
    """8 MiB of nothing each, all of it committed if the control page were right."""
    made = begun()
    for thread in range(1, 400):
        made.slot(craft.SLOT_RING, thread, MIB, 0, b"", 8 * MIB)
    return made


def sparse_journals():
    made = begun()
    for _ in range(400):
        made.slot(craft.SLOT_JOURNAL, 1, 8 * MIB, 0, b"", 8 * MIB)
    return made


def sparse_nodes_slots():
    made = begun()
    for n in range(400):
        made.slot(craft.SLOT_NODES, 0, 0, 0, b"", 8 * MIB, first=n * 65536, end=(n + 1) * 65536)
    return made


def ring_positions():
    made = begun()
    for head, tail in (((1 << 64) - 1, (1 << 64) - 9), (5, 9), (1 << 63, 0), ((1 << 61) + 4, 1 << 61)):
        made.slot(craft.SLOT_RING, 1, head, tail, b"\1" * 65536, 65536)
    return made


def many_rings():
    made = begun()
    for thread in range(1, 200):
        made.slot(craft.SLOT_RING, thread, 2, 0, struct.pack("<QQ", 2 | 0x1000 << 16, 5), 4096)
        made.frame(craft.EVENTS, b"x", thread=thread, first=1, end=2, count=1)
    return made


def hole(size):
    def make():
        made = few_events(begun())
        made.at = size
        return made
    return make


def gaps():
    """A good frame after each damaged place."""
    made = begun()
    for _ in range(20_000):
        made.at += 8
        made.frame(craft.PAD)
    return made


def same_thread_chunks():
    made, payload = begun(), columns(1, bytes([206]), c1=bytes([46, 0]), c8=b"\0\0", c9=b"\0")
    for n in range(16_000):
        made.frame(craft.EVENTS, payload, thread=1, first=2 * n, end=2 * n + 2, count=1)
    return made


# Bundles.

def bundle_of(*members):
    pack = Bundle()
    trace = few_events(begun())
    data = bytes(trace.write_bytes())
    pack.add(Bundle.TRACE, "t.tmk", len(data), [(0, data)])
    for member in members:
        pack.add(*member)
    return pack


def names_of(raw):
    packed = zlib.compress(raw, 6)
    return (Bundle.NAMES, "names", len(raw), [(0, packed)], zlib.crc32(raw))


def names_of_zeros():
    return bundle_of(names_of(b"\1" + b"\0" * (250 * MIB)))


def names_of_answers():
    one = b"\1\1\0\0\0"  # one further, a frame without a name
    count = 30 * MIB
    return bundle_of(names_of(b"\1\0" + varint(count) + one * count))


def names_of_frames():
    one = b"\1" + varint(1000) + b"\0\0\0" * 1000
    count = 30_000
    return bundle_of(names_of(b"\1\0" + varint(count) + one * count))


def names_of_texts():
    parts = [b"\1\0", varint(400_000)]
    for n in range(400_000):
        parts.append(b"\1\1" + varint(n + 1) + craft.text(f"{n:0300d}") + b"\0\0")
    return bundle_of(names_of(b"".join(parts)))


def huge_bundled_trace():
    pack = Bundle()
    data = bytes(few_events(begun()).write_bytes())
    data = data[:56] + struct.pack("<Q", 1 << 62) + data[64:]
    return pack.add(Bundle.TRACE, "t.tmk", 1 << 62, [(0, data)])


def bundle_of_many():
    pack = Bundle()
    for n in range(5000):
        pack.add(Bundle.TRACE, f"t{n}.tmk", 1 << 40, [])
    return pack


def bundle_of_extents():
    return Bundle().add(Bundle.TRACE, "t.tmk", 1 << 60, [(1 << 20, b"x")] * 200_000)


CASES = [zeros_as_events, zeros_as_records, strings, losses, children, requests, nodes, events_of_many_threads, escapes_of_many_threads,
         last_node, sparse_nodes, last_thread, last_stack, deep_stack, cycle, last_string, threads_downwards, modules_gone, clocks,
         clocks_at_once, arguments, argument_count, long_names, nested_phases, many_phases, phases_of_requests, open_operations,
         many_values, large_blocks, widest_blocks, maps_and_holes, breaks, resident_everywhere, small_pages,
         resident_here_and_there, mapping_count, many_mappings, mappings_downwards, many_looks, sparse_rings, sparse_journals,
         sparse_nodes_slots, ring_positions, many_rings, gaps, same_thread_chunks, names_of_zeros, names_of_answers,
         names_of_frames, names_of_texts, huge_bundled_trace, bundle_of_many, bundle_of_extents]
CASES += [(f"hole of 2^{bits}", hole(1 << bits)) for bits in (40, 43)]


def run(tidemark, words, folder):
    """(status, seconds of processor time, resident bytes) of one command."""
    started = time.monotonic()
    with open(folder / "said", "wb") as said:
        child = subprocess.Popen([tidemark, *map(str, words)], stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        resource.prlimit(child.pid, resource.RLIMIT_CPU, (2 * CPU_MAX + 2, 2 * CPU_MAX + 4))
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, time.monotonic() - started


EXPORTS = ("folded", "pprof", "massif", "speedscope", "callgrind", "heaptrack", "perfetto", "sqlite", "openmetrics", "csv")


def commands(path, folder, number):
    """What every case goes through, and what others do in turn (all of that if there is no number)."""
    yield ["report", path, "--json", folder / "json", "--html", folder / "html"]
    yield ["info", "--verify", path]
    yield ["bundle", "-q", path, "-o", folder / "pack.tmb"]
    yield ["repair", "-q", path, "-o", folder / "repaired.tmk"]
    others = [["export", "-f", form, path, "-o", folder / "export"] for form in EXPORTS]
    others.append(["diff", path, path, "--json", folder / "json", "--html", folder / "html"])
    others.append(["watch", "--plain", "--count", "1", path])
    others.append(["report", path, "--phase-by-function", "f=."])
    others.append(["check", path, "--junit", folder / "junit", "--sarif", folder / "sarif", "--markdown", folder / "markdown"])
    yield from others if number is None else [others[number % len(others)]]


def attempt(tidemark, case, folder, turn):
    """Lines of what went wrong, and the figures. The folder is its own."""
    folder.mkdir(parents=True)
    wrong, most_cpu, most_memory = [], 0.0, 0
    path = case.write(folder / "case.tmk")
    stored = os.stat(path).st_blocks * 512
    if stored > 4 * MIB:
        wrong.append(f"the case has {stored} bytes")
    for words in commands(path, folder, turn):
        what = " ".join(words[:3] if words[0] == "export" else words[:1])
        status, cpu, memory, _ = run(tidemark, words, folder)
        most_cpu, most_memory = max(most_cpu, cpu), max(most_memory, memory)
        if status not in (0, 3, 4, 10, 11, 12):
            wrong.append(f"{what}: exit status {status}: {(folder / 'said').read_bytes()[-200:]}")
        if cpu > CPU_MAX * (2 if words[0] in ("export", "diff") else 1):
            wrong.append(f"{what}: {cpu:.1f} s of processor time")
        if memory > MEMORY_MAX:
            wrong.append(f"{what}: {memory >> 20} MiB of memory")
        for made in folder.iterdir():
            if made.stat().st_blocks * 512 > FILE_MAX:
                wrong.append(f"{what}: {made.name} has {made.stat().st_blocks >> 11} MiB")
            if made.name not in ("case.tmk", "said"):
                made.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    return wrong, f"{stored >> 10} KiB, {most_cpu:.1f} s, {most_memory >> 20} MiB"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--build", default="build")
    arguments.add_argument("--all", action="store_true", help="every command on every case")
    arguments.add_argument("case", nargs="*")
    chosen = arguments.parse_args()
    build = Path(chosen.build).resolve()
    tidemark = os.environ.get("TIDEMARK", str(build / "tidemark"))
    folder = build / "hostile" / f"bombs.{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    cases = [case if isinstance(case, tuple) else (case.__name__.replace("_", " "), case) for case in CASES]
    cases = [case for case in cases if not chosen.case or case[0] in chosen.case]
    failed = 0
    print(f"1..{len(cases)}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tried = pool.map(lambda number: attempt(tidemark, cases[number][1](), folder / str(number), None if chosen.all else number + 1),
                         range(len(cases)))
        for number, (wrong, figures) in enumerate(tried):
            failed += bool(wrong)
            print(f"{'not ' if wrong else ''}ok {number + 1} - {cases[number][0]} ({figures})", flush=True)
            for line in wrong:
                print(f"  # {line}")
    shutil.rmtree(folder, ignore_errors=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
