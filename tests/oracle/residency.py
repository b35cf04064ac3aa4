#!/usr/bin/env python3
"""Who holds the resident pages: the analyzer's answer against the kernel's figures, malloc_trim, and a second account.

The parts of every look must add up to the RSS that the kernel counts, within one part in a hundred, on real programs; what
malloc_trim is promised to give back must be what it gives back; and the sharing of pages is done again here, page by page
and byte by byte, from the dump of a small trace.
"""

import json
import re
import shutil
import subprocess
import sys
import time

import common
import replay
from common import Wrong

PAGE = 4096
PARTS = ["sites_bytes", "free_bytes", "stack_bytes", "code_bytes", "file_bytes", "recorder_bytes", "other_bytes"]
MOST_OFF = 0.01
OWN_OFF = 512 << 10
# Blocks that the recorder does not see (the loader's, those of libraries that it opens itself) count as free.
UNSEEN = 64 << 10
CACHED = 32 << 10  # chunks that each thread keeps at hand look free and are not


def recorded(project, name, command, during=None):
    folder = project.scratch / f"residency-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    trace = folder / "trace.tmk"
    child = subprocess.Popen([str(project.build / "tidemark"), "record", "-q", "-o", str(trace), "--", *command],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder, text=True)
    try:
        if during:
            during(folder)
        said = child.communicate(timeout=60)[0]
    finally:
        child.kill()
    return trace, said


def residency(project, trace):
    done = subprocess.run([str(project.build / "tidemark"), "report", "--self", "-q", "--json", "-", str(trace)],
                          capture_output=True, text=True, check=True, timeout=60)
    report = json.loads(done.stdout)
    looks = report["residency"]["looks"]
    if not looks:
        raise Wrong("the recorder never looked")
    return report, looks


def check_own(report, looks):
    """What each sample says of the recorder's pages, without a look at each of them."""
    said, looked = report["processes"][0]["recorder"]["rss_bytes"], looks[-1]["recorder_bytes"]
    if abs(said - looked) > OWN_OFF:
        raise Wrong(f"of the recorder {looked} bytes are resident, and its samples say {said}")


def check_sums(report, looks):
    worst = 0.0
    check_own(report, looks)
    for look in looks:
        if sum(look[part] for part in PARTS) != look["resident_bytes"]:
            raise Wrong(f"the parts do not add up: {look}")
        worst = max(worst, abs(look["resident_bytes"] - look["rss_bytes"]) / look["rss_bytes"])
    if worst > MOST_OFF:
        raise Wrong(f"off by {worst:.2%} from RSS")
    share = sum(site["rss_bytes"] for site in report["sites"]) + report["residency"]["other_sites_bytes"]
    if share != looks[-1]["sites_bytes"]:
        raise Wrong(f"the sites hold {share} bytes of {looks[-1]['sites_bytes']}")
    return f"{len(looks)} looks, at most {worst:.2%} off"


def real_program(project, name, command, during=None):
    trace, _ = recorded(project, name, command, during)
    return check_sums(*residency(project, trace))


def use_redis(folder):
    cli = ["redis-cli", "-s", str(folder / "socket")]
    deadline = time.monotonic() + 20
    while subprocess.run([*cli, "ping"], capture_output=True, check=False).returncode and time.monotonic() < deadline:
        time.sleep(0.05)
    subprocess.run(["redis-benchmark", "-s", str(folder / "socket"), "-q", "-n", "20000", "-r", "20000", "-d", "100",
                    "-t", "set,lpush"], capture_output=True, check=True, timeout=60)
    subprocess.run([*cli, "flushall"], capture_output=True, check=True, timeout=10)
    subprocess.run([*cli, "shutdown", "nosave"], capture_output=True, check=False, timeout=10)


def compiler(work):
    """cc1plus and a translation unit that takes it a second or less."""
    found = subprocess.run(["g++", "-print-prog-name=cc1plus"], capture_output=True, text=True, check=False).stdout.strip()
    source = work / "unit.ii"
    plain = work / "unit.cc"
    plain.write_text("#include <map>\n#include <string>\n#include <vector>\nstd::map<std::string, std::vector<int>> m;\n"
                     "int main() { m[\"a\"].push_back(1); return (int)m.size(); }\n")
    subprocess.run(["g++", "-E", str(plain), "-o", str(source)], check=True, timeout=60)
    return [found, "-quiet", "-fpreprocessed", str(source), "-o", "/dev/null"]


PYTHON = "x = [bytearray(700) for i in range(60000)]\ndel x[::3]\ny = {i: str(i) for i in range(50000)}\n"


def programs(project):
    if shutil.which("redis-server") and shutil.which("redis-benchmark"):
        yield "redis-server", ["redis-server", "--port", "0", "--unixsocket", "socket", "--save", "", "--appendonly",
                               "no"], use_redis
    yield "python3", [shutil.which("python3", path="/usr/bin") or sys.executable, "-c", PYTHON], None
    if shutil.which("g++"):
        yield "cc1plus", compiler(project.scratch), None
    yield "fragment", [str(project.compile("fragment", f"-I{common.ROOT / 'include'}")), "50", "1000", "50000"], None


LEFT_OUT = 4  # flag of a memory record: there was no look, for what it would have cost


def record_marked(project, name, *arguments):
    """The trace of `fragment`, what it said, and the looks at its marks "before" and "after", which a busy machine may make too dear."""
    program = project.compile("fragment", f"-I{common.ROOT / 'include'}")
    for _ in range(5):
        trace, said = recorded(project, name, [str(program), *arguments])
        report, looks = residency(project, trace)
        check_sums(report, looks)
        at_marks = [look for look in looks if look["at_edge"]]
        if len(at_marks) == 2:
            return trace, said, *at_marks
        flags = [int(re.search(r" flags=(\d+)", line)[1]) for line in project.dump_lines(trace) if line.startswith("record memory")]
        if not any(f & LEFT_OUT for f in flags):
            break
    raise Wrong(f"{len(at_marks)} looks at 2 marks")


def trim(project, *arguments):
    """What malloc_trim was promised to give back against what the kernel says it did."""
    _, said, before, after = record_marked(project, "trim-" + "-".join(arguments), *arguments)
    found = re.match(r"before (\d+) after (\d+)", said)
    slack = UNSEEN + CACHED * (int(arguments[3]) if len(arguments) > 3 else 0)
    real, promised = (int(found[1]) - int(found[2])) << 10, before["trim_bytes"]
    if abs(promised - real) > slack + real // 50:
        raise Wrong(f"promised {promised} bytes, malloc_trim gave back {real}")
    if after["trim_bytes"] > slack:
        raise Wrong(f"{after['trim_bytes']} bytes more are promised after the trim")
    return f"promised {promised >> 10} KiB, gave back {real >> 10} KiB"


# ---- the second account ----

def live_at_mark(lines):
    """Address and size of every heap block that is live at the first mark, of a program with one thread; mappings too."""
    live, mapped = {}, {}
    for event in replay.events(lines):
        if event.name in replay.BORN and not event.flags & replay.FAILED:
            live[event.address] = event.size
        elif event.name in replay.DIED:
            live.pop(event.address, None)
        elif event.name == "map" and not event.flags & (replay.FAILED | 4):
            mapped[event.address] = event.size
        elif event.name == "unmap":
            mapped.pop(event.address, None)
        elif event.name == "mark":
            return live, mapped, event.stamp
    raise Wrong("no mark")


def resident_at(lines, stamp):
    """Numbers of the pages resident at the first look after `stamp`."""
    resident = set()
    for line in lines:
        if line.startswith("record mapping"):
            for start, length in re.findall(r' map=0x([0-9a-f]+),(\d+),', line):
                first, end = int(start, 16) // PAGE, (int(start, 16) + int(length)) // PAGE
                resident = {p for p in resident if not first <= p < end}
        elif line.startswith("record residency"):
            at = int(re.search(r"first=0x([0-9a-f]+)", line)[1], 16) // PAGE
            runs = re.search(r"runs=([\d,]*)", line)[1]
            for number, run in enumerate(int(r) for r in runs.split(",") if r):
                (resident.update if number % 2 else resident.difference_update)(range(at, at + run))
                at += run
        elif line.startswith("record memory"):
            fields = dict(field.split("=") for field in line.split()[2:])
            if int(fields["flags"]) & 2 and int(fields["stamp"]) >= stamp:
                return resident
    raise Wrong("no look after the mark")


def byte_by_byte(project):
    trace, _, look, _ = record_marked(project, "bytes", "9", "333", "3000")
    lines = list(project.dump_lines(trace))
    live, mapped, stamp = live_at_mark(lines)
    resident = resident_at(lines, stamp)
    covered, untouched = {}, 0
    for address, size in [*live.items(), *mapped.items()]:
        for byte in range(address, address + max(size, 1)):
            if byte // PAGE in resident:
                covered[byte // PAGE] = covered.get(byte // PAGE, 0) + 1
            else:
                untouched += 1
    expected = {"sites_bytes": len(covered) * PAGE, "untouched_bytes": untouched,
                "slack_bytes": len(covered) * PAGE - sum(covered.values()), "resident_bytes": len(resident) * PAGE}
    found = {name: look[name] for name in expected}
    if found != expected:
        raise Wrong(f"tidemark says {found}, byte by byte it is {expected}")
    return f"{len(live)} blocks, {len(covered)} pages"


def main():
    project = common.Project(common.parser(__doc__).parse_args().build)
    cases = [("page sharing, byte by byte", lambda: byte_by_byte(project))]
    for arguments in [("50", "1000", "50000"), ("7", "20000", "2000"), ("2", "500", "40000"), ("40", "1000", "20000", "3")]:
        cases.append((f"malloc_trim, {' '.join(arguments)}", lambda a=arguments: trim(project, *a)))
    for name, command, during in programs(project):
        cases.append((f"the sum is RSS, {name}", lambda n=name, c=command, d=during: real_program(project, n, c, d)))
    return common.run_cases(cases)


if __name__ == "__main__":
    sys.exit(main())
