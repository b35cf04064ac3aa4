#!/usr/bin/env python3
"""Runs 16 threads of churn with a fork each second, and sees that the recorder's own memory stays where it was, and below what it may take (flat.c)."""

import itertools
import re
import shutil
import statistics
import subprocess
import sys

import common
from common import Wrong

THREADS = 16
MOST = (8 + THREADS) << 20  # resident bytes
STEADY = 256 << 10  # bytes a quarter of the run
SETTLED = 60  # seconds of a run in which each quarter has met what there is to meet


def own_memory(project, trace):
    """The recorder's resident bytes at each sample since the last thread began: all rings have been filled by then."""
    held = []
    for line in project.dump_lines(trace, "--no-events"):
        if line.startswith("record thread "):
            held = []
        elif match := re.search(r"^record memory .* recorder=(\d+)", line):
            held.append(int(match.group(1)))
    return held


def case(project, writer, seconds):
    work = project.scratch / f"flat.{writer}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    env = project.environment(work, (), writer, TIDEMARK_FOLLOW="1")
    child = subprocess.Popen([str(project.compile("flat")), str(THREADS), str(seconds)], env=env)
    if child.wait(seconds * 10 + 60):
        raise Wrong(f"status {child.returncode}")
    traces = list(work.iterdir())
    if len(traces) != seconds + 1:
        raise Wrong(f"{len(traces)} traces of {seconds + 1} processes")
    held = own_memory(project, work / f"flat.{child.pid}.tmk")
    if len(held) < 10:
        raise Wrong(f"{len(held)} samples")
    if max(held) > MOST:
        raise Wrong(f"the recorder held {max(held)} bytes, more than {MOST}")
    part = len(held) // 4
    levels = [statistics.median(held[i * part:(i + 1) * part]) for i in range(4)]
    # Encoders come one by one in the first seconds, for threads that fill their rings at the same moment; MOST has room for all.
    settled = seconds >= SETTLED
    if settled and all(later - earlier > STEADY for earlier, later in itertools.pairwise(levels)):
        raise Wrong(f"the recorder held {levels} bytes in the quarters")
    shutil.rmtree(work)
    return f"{seconds} s, {seconds} forks, {levels[0] / 1048576:.1f} MiB, then {levels[-1] / 1048576:.1f} MiB"


def main():
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--writers", default="thread,inline", type=lambda text: text.split(","))
    options = parser.parse_args()
    project = common.Project(options.build)
    seconds = options.seconds or (1800 if options.soak else 6)
    return common.run_cases([(f"flat memory {w}", lambda w=w: case(project, w, seconds)) for w in options.writers])


if __name__ == "__main__":
    sys.exit(main())
