#!/usr/bin/env python3
"""Makes inputs for fuzz_trace and fuzz_report: seeds.py --build BUILD [--most BYTES] FOLDER

Traces recorded here, and those that tests/hostile/names.py writes by hand, in the form that trace_input.h describes: the frames alone, not
compressed, slots without the zeros at their end. `fuzz_trace -merge=1 tests/fuzz/corpus/trace FOLDER` keeps what says more.
"""

import argparse
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "hostile"))
import craft  # noqa: E402
import names  # noqa: E402

PROGRAM = r"""
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <tidemark.h>
#include <unistd.h>
static void *churn(void *own) {
    void *kept[8] = {0};
    for (int i = 0; i < 60; i++) {
        free(kept[i * 7 % 8]);
        kept[i * 7 % 8] = i % 5 ? malloc(16 + i * 31 % 900) : realloc(malloc(10), 300);
    }
    return own ? kept[0] : NULL;
}
int main(int count, char **words) {
    pthread_t thread;
    int how = count > 1 ? words[1][0] : 0;
    for (int round = 0; round < (how == 'k' ? 1 : 6); round++) {
        tidemark_phase_begin("round");
        if (how == 't') pthread_create(&thread, NULL, churn, NULL);
        churn(words);
        if (how == 't') pthread_join(thread, NULL);
        tidemark_items(10);
        tidemark_phase_end("round");
    }
    tidemark_mark("done");
    if (how == 'f' && fork() == 0) churn(NULL);
    if (how == 'k') kill(getpid(), SIGKILL);
    return 0;
}
"""


def frames(data):
    """(header, payload) of each frame of a file."""
    at, = struct.unpack_from("<I", data, 12)
    while at + 64 <= len(data) and data[at:at + 4] == b"TMCH":
        head = data[at:at + 64]
        stored = struct.unpack_from("<I", head, 12)[0]
        yield head, data[at + 64:at + 64 + stored]
        at = (at + 64 + stored + 7) & ~7


def seed(data):
    out = b""
    for head, payload in frames(data):
        kind, codec = struct.unpack_from("<HB", head, 4)
        if kind in (craft.PAD, craft.INDEX):
            continue
        if codec:
            payload = zlib.decompress(payload)
        stored = len(payload)
        slot = kind >= craft.SLOT_RING
        if slot:
            payload = payload.rstrip(b"\0")
            stored = min(stored, 4096 + 65536)
        if slot and not payload:
            continue
        out += head[:6] + b"\0" + head[7:8] + struct.pack("<III", stored, stored, len(payload) if slot else 0) + head[20:64] + payload
    return out


def recorded(tidemark, folder):
    (folder / "program.c").write_text(PROGRAM)
    subprocess.run(["cc", "-O0", "-fno-builtin", "-pthread", f"-I{HERE.parent.parent / 'include'}", "program.c", "-o", "program"],
                   cwd=folder, check=True)
    for how in ("plain", "threads", "fork", "kill"):
        trace = folder / f"{how}.tmk"
        subprocess.run([tidemark, "record", "-q", "-o", str(trace), "./program", how[0]], cwd=folder, check=False,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield f"recorded-{how}", trace.read_bytes()


def written(folder):
    names.ROUNDS = 6
    for nasty in (False, True):
        (folder / str(nasty)).mkdir()
        yield f"names-{nasty}", names.trace(folder / str(nasty), nasty).read_bytes()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--build", default="build")
    arguments.add_argument("--most", type=int, default=16384)
    arguments.add_argument("folder", type=Path)
    chosen = arguments.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    tidemark = os.environ.get("TIDEMARK", str(Path(chosen.build).resolve() / "tidemark"))
    with tempfile.TemporaryDirectory() as place:
        for source in (recorded(tidemark, Path(place)), written(Path(place))):
            for name, data in source:
                made = seed(data)
                kept = 0 < len(made) <= chosen.most
                print(f"{name}: {len(made)} bytes{'' if kept else ', left out'}")
                if kept:
                    (chosen.folder / name).write_bytes(made)


if __name__ == "__main__":
    sys.exit(main())
