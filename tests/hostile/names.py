#!/usr/bin/env python3
"""Every name in a trace is hostile: names.py --build BUILD

Two traces of the same events: in one each name (program, arguments, modules, threads, phases, operations, functions, source
files, children, requests, mappings) is plain, in the other it tries to move the cursor, to end a line, a cell, a tag, a
string or a label, to run a formula, and to give commands to a CI system. Whatever the analyzer writes of the second
must have the shape of what it writes of the first: as many lines, cells, elements, keys and rows, and no character that a
terminal obeys. Output is TAP.
"""

import argparse
import csv
import gzip
import html.parser
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import craft  # noqa: E402

ROUNDS = 20
BASE = 0x400000
PID = 5_000_000  # above all that a kernel gives
PREFIXES = ("", "=1+", "::error file=x::", "-2+", "@SUM", "+3", "\t=4", "##[error]", "\x1b[2J", "%0A::error::", "[x](javascript:0)",
            "| ", "# ", "<img src=x onerror=alert(1)>", ";;", "\n::error::")
NASTY = ("\x1b]0;owned\x07\x1b[31m\r\n::error::owned%0A::warning::owned%0D\x7f\b\b"
         "</script><script>alert(1)</script><!--]]>\"'`\\\"|,;{}<b>&amp;&#x1b;$(id)"
         "\u009b31m\u202eevil\u2066\u200b\udc9b31m\udcff\t=HYPERLINK(1) [x](javascript:alert(1)) \x00tail").replace("\x00", "")
# What elfutils, C++ filters and file systems leave of a name: as many bytes as the plain one has.
CODE_PLAIN = b"plain_function_with_a_long_name_that_is_replaced"
CODE_NASTY = (b"\x1b[31m\r\n::error::x%0A</script><b>\"'|,;=1\x9b31m\x7f\x08\xe2\x80\xae" + b"x" * 48)[:len(CODE_PLAIN)]
FILE_PLAIN = b"plain_source_file.c"
FILE_NASTY = (b"\x1b[2J\r\n::error::\x9b|,\"<" + b"y" * 19)[:len(FILE_PLAIN)]


class Wrong(Exception):
    pass


class Names:
    """The nasty name of each thing, or its plain twin."""

    def __init__(self, nasty):
        self.nasty, self.count = nasty, 0

    def __call__(self, which):
        self.count += 1
        name = "".join(c for c in which if c.isalnum())
        return PREFIXES[self.count % len(PREFIXES)] + name + NASTY if self.nasty else name


def object_file(folder, nasty):
    """A shared library with debug information; returns its path and the offset of its function."""
    source, library = folder / FILE_PLAIN.decode(), folder / "code.so"
    source.write_text(f"int kept;\nint {CODE_PLAIN.decode()}(int n)\n{{\n    return kept = n * 2;\n}}\n")
    subprocess.run(["cc", "-g", "-O1", "-shared", "-fPIC", "-Wl,--build-id=none", source.name, "-o", library.name], cwd=folder, check=True)
    symbols = subprocess.run(["nm", "-S", library.name], cwd=folder, check=True, capture_output=True, text=True).stdout
    offset = int(re.search(rf"^(\w+) \w+ T {CODE_PLAIN.decode()}$", symbols, re.M).group(1), 16)
    if nasty:
        data = library.read_bytes().replace(CODE_PLAIN, CODE_NASTY).replace(FILE_PLAIN, FILE_NASTY)
        library.write_bytes(data)
    return str(library), offset


def phases(name):
    """Two phases whose rounds leave blocks behind, and what else a program may tell."""
    events, stamp, address = [], 1000, 0x10000000
    for _ in range(ROUNDS):
        for phase in (1, 2):
            events.append(craft.event(craft.PHASE_BEGIN, stamp, phase))
            events.append(craft.event(craft.OP_BEGIN, stamp + 1, 3))
            for n in range(12):
                address += 4096
                events.append(craft.event(craft.ALLOC, stamp + 2 + n, address, 100 + 50 * (n % 4) + phase, 2 + n % 4))
            events.append(craft.event(craft.OP_END, stamp + 30, 3))
            events.append(craft.event(craft.ITEMS, stamp + 31, 4, 7))
            events.append(craft.event(craft.VALUE, stamp + 32, 5, 0x3FF0000000000000))
            events.append(craft.event(craft.MARK, stamp + 33, 6))
            events.append(craft.event(craft.PHASE_END, stamp + 40, phase))
            stamp += 10**7
    return events, stamp


def trace(folder, nasty):
    """Writes the trace and its perf map; returns the path of the trace."""
    name = Names(nasty)
    library, offset = object_file(folder, nasty)
    events, end = phases(name)
    jit = 0x7F0000001000
    made = craft.Trace(pid=PID)
    records = [craft.process(name, PID), craft.clock(0), craft.record(craft.THREAD, 1, 100, 1, name("thread"))]
    records += [craft.record(craft.STRING, i, name(f"string{i}")) for i in range(1, 7)]
    records.append(craft.record(craft.MODULE, 1, 0, BASE, BASE + (1 << 20), BASE, library, b"", 0))
    records.append(craft.record(craft.MODULE, 2, 0, BASE * 2, BASE * 2 + (1 << 20), BASE * 2, "/none/" + name("module"), b"", 0))
    records.append(craft.record(craft.MAPPING, 0, 1, 0x10000000, 1 << 24, 3, "/none/" + name("mapping")))
    records += [craft.record(craft.MEMORY, n * end // 10, 1 << 26, (1 << 22) + (n << 16), 1 << 20, 1 << 20, n, 1, 4, 0) for n in range(10)]
    records.append(craft.record(craft.CHILD, end // 2, 4712, 1, 0, name("child"), name("why")))
    records.append(craft.record(craft.REQUEST, end // 2, 1, 0, name("request")))
    records.append(craft.record(craft.THREAD_NAME, 1, name("renamed")))
    records.append(craft.clock(end))
    made.records(*records)
    made.nodes(1, [(0, BASE + offset + 4, 1), (1, BASE + offset + 4, 1), (1, BASE * 2 + 64, 2), (1, jit + 16, 0), (4, jit + 80, 0)])
    made.ring(1, events)
    path = folder / (("trace" + PREFIXES[3] + "\x1b[31m\n::error::x\u202e\udc9b" if nasty else "trace") + ".tmk")
    made.write(path)
    lines = [f"{jit:x} 40 {name('jit')}", f"{jit + 64:x} 40 {name('other')}"]
    Path(str(path) + ".perf-map").write_bytes("".join(line.replace("\n", "\v") + "\n" for line in lines).encode("utf-8", "surrogateescape"))
    return path


# What must hold of outputs. Each check takes the bytes of the hostile one and of its plain twin.

def is_obeyed(c):
    return (unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t") or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def decoded(data, allowed=""):
    lines = data.decode("utf-8")  # invalid bytes are an error here
    for at, c in enumerate(lines):
        if is_obeyed(c) and c not in allowed:
            raise Wrong(f"character {ord(c):#x} in {lines[max(0, at - 60):at + 20]!r}")
    return lines


def same(what, nasty, plain):
    if nasty != plain:
        raise Wrong(f"{what}: {str(nasty)[:300]} instead of {str(plain)[:300]}")


def no_command(lines):
    """What a CI system obeys in a log: lines that begin with ::, and ##[ anywhere."""
    for line in lines.split("\n"):
        if line.lstrip().startswith("::") or "##[" in line:
            raise Wrong(f"a workflow command: {line!r}")


def shown(nasty, plain):
    """Text for eyes: lines may be wrapped elsewhere, since names have other widths."""
    no_command(decoded(nasty))


def line_by_line(nasty, plain, pattern=r".*"):
    lines = decoded(nasty).split("\n")
    same("lines", len(lines), decoded(plain).count("\n") + 1)
    for line in lines:
        if not re.fullmatch(pattern, line):
            raise Wrong(f"line {line!r}")
    return lines


def commands_only(nasty, plain):
    lines = line_by_line(nasty, plain, r"(::(error|warning)( [a-z]+=[^:,\n]*(,[a-z]+=[^:,\n]*)*)?::[^\n]*)?")
    if not any("%1B" in line or "\\x1b" in line or "\ufffd" in line for line in lines):
        raise Wrong("no name in it")


def shape(value):
    """A JSON value without its texts, numbers and signs of rounding."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in sorted(value.items())}
    if isinstance(value, list):
        return sorted((shape(member) for member in value), key=str)  # names decide the order of equals
    return type(value).__name__.replace("float", "int")


def as_json(nasty, plain):
    """The document itself holds no control character; what its texts stand for is the reader's, who asked for JSON."""
    same("shape", shape(json.loads(decoded(nasty))), shape(json.loads(plain)))


def elements(data):
    root = ElementTree.fromstring(data)
    return [(e.tag, sorted(e.attrib)) for e in root.iter()]


def as_xml(nasty, plain):
    decoded(nasty)
    same("elements", elements(nasty), elements(plain))
    for e in ElementTree.fromstring(nasty).iter():
        for value in (e.text or "", *e.attrib.values()):
            decoded(value.encode())


class Tags(html.parser.HTMLParser):
    def __init__(self, data):
        super().__init__()
        self.found = []
        self.feed(data)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, sorted(name for name, _ in attributes)))

    def handle_comment(self, data):
        self.found.append(("comment",))


def as_html(nasty, plain):
    page, twin = Tags(decoded(nasty)).found, Tags(plain.decode()).found
    same("tags", [t for t in page if t[0] not in ("tspan", "line")], [t for t in twin if t[0] not in ("tspan", "line")])


def as_markdown(nasty, plain):
    lines, twin = decoded(nasty).split("\n"), plain.decode().split("\n")
    same("lines", len(lines), len(twin))
    for a, b in zip(lines, twin):
        same(f"cells of {a!r}", a.count("|"), b.count("|"))
    if Tags(decoded(nasty)).found != Tags(plain.decode()).found:
        raise Wrong("a tag")
    if "](" in decoded(nasty).replace("\\", "") and "](" not in plain.decode():
        raise Wrong("a link")


def as_csv(nasty, plain):
    rows = list(csv.reader(io.StringIO(decoded(nasty, "\r"), newline="")))
    twin = list(csv.reader(io.StringIO(plain.decode(), newline="")))
    same("rows and cells", [len(row) for row in rows], [len(row) for row in twin])
    for row in rows:
        for cell in row:
            if cell[:1] in tuple("=+-@\t\r") and cell and not re.fullmatch(r"-?[0-9.e+-]+", cell):
                raise Wrong(f"a formula: {cell!r}")
            if "\r" in cell:
                raise Wrong(f"a line end in {cell!r}")


def as_openmetrics(nasty, plain):
    label = r'[a-z_]+="([^"\\\n]|\\[\\"n])*"'
    line_by_line(nasty, plain, rf"(#.*|tidemark_[a-z_]+(\{{{label}(,{label})*\}})? -?[0-9.e+-]+)?")


def as_folded(nasty, plain):
    lines = line_by_line(nasty, plain, r"(.+ [0-9]+)?")
    depths = sorted(line.count(";") for line in lines)
    same("depths", depths, sorted(line.count(";") for line in plain.decode().split("\n")))


def as_callgrind(nasty, plain):
    lines = line_by_line(nasty, plain)
    keys = [re.match(r"[a-z# ]*=?|[0-9]*", line).group() for line in lines]
    twin = [re.match(r"[a-z# ]*=?|[0-9]*", line).group() for line in plain.decode().split("\n")]
    same("keys", keys, twin)


def as_heaptrack(nasty, plain):
    lines = line_by_line(nasty, plain)
    same("kinds", [line[:1] for line in lines], [line[:1] for line in plain.decode().split("\n")])


def fields_of(message):
    """(number, bytes or int) of each field of a protobuf message."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = number()
        if tag & 7 == 0:
            yield tag >> 3, number()
        elif tag & 7 == 2:
            length = number()
            yield tag >> 3, message[at:at + length]
            at += length
        else:
            raise Wrong(f"wire type {tag & 7}")


def as_pprof(nasty, plain):
    fields, twin = list(fields_of(gzip.decompress(nasty))), list(fields_of(gzip.decompress(plain)))
    same("fields", sorted(n for n, _ in fields), sorted(n for n, _ in twin))
    for value in (v for n, v in fields if n == 6):
        decoded(value)


def rows_of(data, folder):
    path = folder / "rows.sqlite"
    path.write_bytes(data)
    base = sqlite3.connect(path)
    same("integrity", base.execute("pragma integrity_check").fetchone()[0], "ok")
    names = [n for (n,) in base.execute("select name from sqlite_master where type in ('table', 'view') order by name")]
    found = {name: base.execute(f'select * from "{name}"').fetchall() for name in names}
    base.close()
    return found


def as_sqlite(folder):
    def check(nasty, plain):
        found = rows_of(nasty, folder)
        same("rows", {n: len(r) for n, r in found.items()}, {n: len(r) for n, r in rows_of(plain, folder).items()})
        for rows in found.values():
            for value in (v for row in rows for v in row if isinstance(v, str)):
                decoded(value.encode())
    return check


def as_budget(nasty, plain):
    """A rule stands for a rule: keys are those that a budget file has."""
    def keys(data):
        return [line.split("=")[0].split("[")[0].strip() for line in decoded(data).split("\n") if not line.startswith((";", "#"))]
    same("keys", keys(nasty), keys(plain))


def cases(folder, tidemark):
    """(name, arguments, output file or None for stdout, check); TRACE stands for the trace."""
    reports = [("json", as_json), ("html", as_html), ("markdown", as_markdown), ("junit", as_xml), ("sarif", as_json)]
    for form, check in reports:
        yield f"report --{form}", ["report", "TRACE", f"--{form}", "OUT"], check
        yield f"check --{form}", ["check", "TRACE", f"--{form}", "OUT"], check
    yield "check --github", ["check", "--github", "-q", "TRACE"], None
    for color in ("never", "always"):
        yield f"report in a terminal, colour {color}", ["report", "TRACE", "--top", "100", "--color", color], shown if color == "never" else coloured
    for sort in ("rss-peak", "allocated"):
        yield f"report --sort {sort}", ["report", "TRACE", "--sort", sort], shown
    for name in ("report", "check", "info"):
        yield name, [name, "TRACE"], shown
    yield "dump", ["dump", "TRACE"], line_by_line
    yield "info --verify", ["info", "--verify", "TRACE"], shown
    yield "watch --plain", ["watch", "--plain", "--count", "1", "TRACE"], shown
    yield "watch", ["watch", "--count", "1", "TRACE"], shown
    yield "diff", ["diff", "TRACE", "OTHER"], shown
    for form, check in (("json", as_json), ("html", as_html), ("markdown", as_markdown)):
        yield f"diff --{form}", ["diff", "TRACE", "OTHER", f"--{form}", "OUT"], check
    yield "budget", ["budget", "TRACE"], as_budget
    yield "check --update-baseline", ["check", "TRACE", "--baseline", "OUT", "--update-baseline"], as_json
    exports = {"folded": as_folded, "pprof": as_pprof, "massif": line_by_line, "speedscope": as_json, "callgrind": as_callgrind,
               "heaptrack": as_heaptrack, "perfetto": as_json, "sqlite": as_sqlite(folder), "openmetrics": as_openmetrics}
    for form, check in exports.items():
        yield f"export {form}", ["export", "-f", form, "TRACE", "-o", "OUT"], check
    for table in ("sites", "frames", "growth", "survivors", "phases", "rounds", "operations", "phase_values", "curve", "processes",
                  "leaks", "warnings", "budgets"):
        yield f"export csv {table}", ["export", "-f", "csv", "--table", table, "TRACE", "-o", "OUT"], as_csv


def coloured(nasty, plain):
    """Only the colours of this program."""
    shown(re.sub(rb"\x1b\[[0-9;]*m", b"", nasty), plain)
    same("kinds of colour", set(re.findall(rb"\x1b\[[0-9;]*m", nasty)) - {b"\x1b[0m"}, set(re.findall(rb"\x1b\[[0-9;]*m", plain)) - {b"\x1b[0m"})


class Runs:
    def __init__(self, tidemark, folders):
        self.tidemark, self.folders = tidemark, folders
        self.traces = {kind: trace(folder, kind == "nasty") for kind, folder in folders.items()}

    def run(self, kind, arguments, trace_path=None):
        folder, path = self.folders[kind], trace_path or self.traces[kind]
        other = folder / "other.tmk"
        if not other.exists():
            shutil.copy(path, other)
            shutil.copy(str(path) + ".perf-map", str(other) + ".perf-map")
        out = folder / "out"
        out.unlink(missing_ok=True)
        words = {"TRACE": path, "OTHER": other, "OUT": out}
        environment = dict(os.environ, LC_ALL="C.UTF-8", GITHUB_ACTIONS="")
        done = subprocess.run([self.tidemark, *(words.get(a, a) for a in arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=60, env=environment)
        if done.returncode not in (0, 10, 11, 12):
            raise Wrong(f"exit status {done.returncode}: {done.stderr[-500:]}")
        shown(done.stderr, b"")
        if "OUT" in arguments:
            shown(done.stdout, b"")
        return out.read_bytes() if "OUT" in arguments else done.stdout


def bundled(runs):
    """What a bundle says is what the trace says."""
    reports = {}
    for kind, folder in runs.folders.items():
        pack = folder / "pack.tmb"
        pack.unlink(missing_ok=True)
        runs.run(kind, ["bundle", "-q", "TRACE", "-o", str(pack)])
        reports[kind] = runs.run(kind, ["report", "TRACE", "--json", "OUT"], pack)
        shown(runs.run(kind, ["report", "TRACE"], pack), b"")
    as_json(reports["nasty"], reports["plain"])


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--build", default="build")
    build = Path(arguments.parse_args().build).resolve()
    tidemark = os.environ.get("TIDEMARK", str(build / "tidemark"))
    scratch = build / "hostile" / "names"
    shutil.rmtree(scratch, ignore_errors=True)
    folders = {kind: scratch / kind for kind in ("plain", "nasty")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    runs = Runs(tidemark, folders)
    failed, number = 0, 0

    def case(name, body):
        nonlocal failed, number
        number += 1
        try:
            body()
            print(f"ok {number} - {name}")
        except (Wrong, ValueError, ElementTree.ParseError, subprocess.TimeoutExpired, OSError, IndexError) as wrong:
            failed += 1
            print(f"not ok {number} - {name}\n  # {type(wrong).__name__}: {wrong}")

    for name, words, check in cases(scratch, tidemark):
        case(name, lambda w=words, c=check: (c or commands_only)(runs.run("nasty", w), runs.run("plain", w)))
    case("bundle", lambda: bundled(runs))
    print(f"1..{number}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
