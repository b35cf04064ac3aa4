#!/usr/bin/env bats
# A bundle explains itself where none of the recorded files are, and is read with care.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    mkdir bin
    cat >leaky.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tidemark.h"
static void *volatile kept;
static inline __attribute__((always_inline)) void inlined_part(void) { kept = malloc(1000); }
__attribute__((noinline)) static void leaky(void) { inlined_part(); }
int main(int argc, char **argv) {
    if (argc > 1 && fork() == 0) execl(argv[0], argv[0], (char *)0);
    for (int round = 0; round < 10; round++) {
        tidemark_phase_begin("load");
        leaky();
        tidemark_phase_end("load");
    }
    while (wait(NULL) > 0) {}
    return 0;
}
C
    cc -O1 -g -fno-builtin -I"$BATS_TEST_DIRNAME/../../include" leaky.c -o bin/leaky
    local program=${TIDEMARK:-${BUILD:-$BATS_TEST_DIRNAME/../../build}/tidemark}
    "$program" record -q -o tree.tmk bin/leaky child
    "$program" record -q -o one.tmk bin/leaky
    for name in one tree; do
        "$program" bundle -q "$name.tmk" -o "$name.tmb"
        "$program" report "$name.tmk" --json "$name.json" >/dev/null
    done
    mv bin gone
}

one() { echo "$BATS_FILE_TMPDIR/one.$1"; }
tree() { echo "$BATS_FILE_TMPDIR/tree.$1"; }

# What a report says but for where the trace lies and how many bytes it has.
essence() { jq 'del(.trace.path, .trace.size_bytes, .processes[].trace_path)' "$1"; }

@test "without the program the trace has no names, the bundle has them all" {
    tidemark report "$(one tmk)" --json bare.json >/dev/null
    fails grep -q '"function": "leaky"' bare.json
    tidemark report "$(one tmb)" --json bundle.json >/dev/null
    diff <(essence "$(one json)") <(essence bundle.json)
    [ "$(jq -r '[.sites[0].stack[:2][] | .function, .inlined] | join(" ")' bundle.json)" = "inlined_part true leaky false" ]
    [ "$(jq '.sites[0].stack[0].line' bundle.json)" = 6 ]
}

@test "a bundle goes into a pipe that is there, and is its owner's alone where it is a file" {
    mkfifo pipe
    cat pipe >got &
    both timeout 60 "$TIDEMARK" bundle -q "$(one tmk)" -o pipe
    expect_status 0
    wait
    [ -p pipe ]
    cmp got "$(one tmb)" || tidemark info -q got >/dev/null
    touch open.tmb && chmod 644 open.tmb
    tidemark bundle -q "$(one tmk)" -o open.tmb
    [ "$(stat -c %a open.tmb)" = 600 ]
    for command in bundle repair; do
        both tidemark "$command" "$(one tmk)" -o -
        expect_status 2
        [ ! -e - ]
    done
}

@test "a tree of processes keeps its shape" {
    tidemark report "$(tree tmb)" --json bundle.json >/dev/null
    diff <(essence "$(tree json)") <(essence bundle.json)
    [ "$(jq '.processes | length' bundle.json)" -ge 2 ]
    tidemark report --self "$(tree tmb)" --json self.json >/dev/null
    [ "$(jq '.processes | length' self.json)" = 1 ]
}

@test "check, diff, export, info, dump and another bundle take it as a trace" {
    both tidemark check "$(one tmb)"
    expect_status 10
    expect_in "inlined_part" "$output"
    both tidemark diff "$(one tmb)" "$(tree tmb)" --self --exit-code
    expect_status 0
    expect_in "no difference" "$output"
    expect_in "main;leaky;inlined_part 10000" "$(tidemark export "$(one tmb)" --format folded)"
    expect_in "whole" "$(tidemark info --verify "$(one tmb)")"
    diff <(tidemark dump "$(one tmk)") <(tidemark dump "$(one tmb)")
    tidemark bundle -q "$(one tmb)" -o again.tmb
    cmp again.tmb "$(one tmb)"
}

@test "one trace of a bundle by its name; bundles in a folder" {
    both tidemark info "$(one tmb)/one.tmk"
    expect_status 0
    expect_in "inlined_part" "$(tidemark report "$(one tmb)/one.tmk")"
    tidemark bundle -q "$(one tmb)/one.tmk" -o one.tmb
    expect_in "inlined_part" "$(tidemark report one.tmb)"
    both tidemark info "$(one tmb)/two.tmk"
    expect_status 3
    expect_in "holds no such trace" "$errors"
    mkdir all && cp "$(one tmb)" all
    expect_in "inlined_part" "$(tidemark report all)"
}

@test "it is small: no page that holds nothing" {
    [ "$(stat -c %s "$(one tmb)")" -lt 40000 ]
    [ "$(stat -c %s "$(one tmk)")" -gt 400000 ]
}

# A program with a function made as it runs, which it names in its perf map; `jit TIME` makes the map that old.
jit() {
    program jit -D_GNU_SOURCE <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
static void *kept;
int main(int argc, char **argv) {
    /* push rbp; mov rbp,rsp; call rsi; pop rbp; ret */
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd6, 0x5d, 0xc3};
    char name[64];
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof code);
    snprintf(name, sizeof name, "/tmp/perf-%d.map", (int)getpid());
    FILE *map = fopen(name, "w");
    fprintf(map, "%lx %zx generated_function\n", (unsigned long)page, sizeof code);
    fflush(map);
    if (argc > 1) futimens(fileno(map), (struct timespec[2]){{.tv_nsec = UTIME_OMIT}, {.tv_sec = atoi(argv[1])}});
    kept = ((void *(*)(size_t, void *(*)(size_t)))page)(5000, malloc);
    printf("%s\n", name);
    return 0;
}
C
}

@test "names of generated code are kept beside the trace, and come along in the bundle" {
    jit
    map=$(tidemark record -q -o jit.tmk ./jit)
    rm "$map"
    expect_in "main;generated_function 5000" "$(tidemark export jit.tmk --format folded)"
    tidemark bundle -q jit.tmk -o jit.tmb
    rm jit jit.tmk.perf-map
    fails grep -q generated_function <(tidemark export jit.tmk --format folded)
    expect_in "main;generated_function 5000" "$(tidemark export jit.tmb --format folded)"
}

@test "a perf map older than the program is that of an earlier process with its pid" {
    jit
    map=$(tidemark record -q -o jit.tmk ./jit 1000000000)
    fails test -e jit.tmk.perf-map
    fails grep -q generated_function <(tidemark export jit.tmk --format folded)
    touch "$map"
    expect_in "main;generated_function 5000" "$(tidemark export jit.tmk --format folded)"
    rm "$map"
}

# Damage.

@test "a bundle that is cut anywhere is refused or said to be damaged, never believed" {
    size=$(stat -c %s "$(one tmb)")
    for length in 0 7 8 23 24 30 60 100 $((size / 2)) $((size - 1)); do
        head -c "$length" "$(one tmb)" >cut.tmb
        status=0
        timeout 20 "$TIDEMARK" report cut.tmb >out 2>&1 || status=$?
        [ "$status" -eq 3 ] || { echo "cut at $length: status $status"; return 1; }
    done
}

@test "a directory that lies: names that lead out, sizes beyond the file, too many members" {
    cat >forge.py <<'PY'
import struct, sys, zlib
def varint(n):
    out = b""
    while n >= 128:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])
def bundle(members, content=b"x" * 5000, count=None, version=1, crc=None):
    directory = varint(len(members) if count is None else count)
    for kind, name, size, extents in members:
        directory += varint(kind) + varint(len(name)) + name + varint(size) + bytes(4) + varint(len(extents))
        for gap, length in extents: directory += varint(gap) + varint(length)
    crc = zlib.crc32(directory) if crc is None else crc
    return b"TMKBUNDL" + struct.pack("<IIQ", version, crc, len(directory)) + directory + content
good = (1, b"a.tmk", 5000, [(0, 5000)])
cases = {
    "plain": bundle([good]),
    "up": bundle([(1, b"../a", 5000, [(0, 5000)])]), "up2": bundle([(1, b"b/../../a", 5000, [(0, 5000)])]),
    "root": bundle([(1, b"/etc/passwd", 5000, [(0, 5000)])]), "empty": bundle([(1, b"", 5000, [(0, 5000)])]),
    "nul": bundle([(1, b"a\0b", 5000, [(0, 5000)])]), "none": bundle([]),
    "long": bundle([(1, b"a", 5000, [(0, 6000)])]), "outside": bundle([(1, b"a", 100, [(0, 5000)])]),
    "wrap": bundle([(1, b"a", 2**63 - 1, [(2**64 - 1, 5000)])]), "huge": bundle([(1, b"a", 2**64 - 1, [(0, 5000)])]),
    "many": bundle([good], count=2**60), "extents": bundle([(1, b"a", 5000, [(0, 0)])]),
    "version": bundle([good], version=2), "crc": bundle([good], crc=1),
    "bomb": bundle([good, (2, b"names", 2**62, [(0, 1)])], content=b"x" * 5001),
    "ratio": bundle([good, (2, b"names", 2**29, [(0, 1)])], content=b"x" * 5001),
}
for name, bytes_ in cases.items(): open(name + ".tmb", "wb").write(bytes_)
PY
    python3 forge.py
    for bad in *.tmb; do
        both timeout 20 "$TIDEMARK" report "$bad"
        [ "$status" -eq 3 ] || { echo "$bad: $status $errors"; return 1; }
    done
    both tidemark report plain.tmb
    expect_in "is not a Tidemark trace" "$errors"
    for bad in up root many bomb ratio wrap; do
        both tidemark report "$bad.tmb"
        expect_in "bundle that is damaged" "$errors"
    done
}

@test "flipped bytes: an answer or a refusal, no crash" {
    cat >flip.py <<'PY'
import random, sys, zlib, struct
source, seed = open(sys.argv[1], "rb").read(), int(sys.argv[2])
random.seed(seed)
data = bytearray(source)
for _ in range(random.choice([1, 3, 20])):
    data[random.randrange(24 if seed % 2 else 0, len(data))] = random.randrange(256)
length = struct.unpack("<Q", data[16:24])[0]
if seed % 2: data[12:16] = struct.pack("<I", zlib.crc32(bytes(data[24:24 + length])))
open("flipped.tmb", "wb").write(data)
PY
    for seed in $(seq 24); do
        python3 flip.py "$(one tmb)" "$seed"
        status=0
        timeout 20 "$TIDEMARK" check flipped.tmb >out 2>&1 || status=$?
        case $status in 0 | 3 | 10 | 12) ;; *) echo "seed $seed: status $status"; cat out; return 1 ;; esac
    done
}

@test "wrong use: no output, no trace" {
    both tidemark bundle "$(one tmk)"
    expect_status 2
    both tidemark bundle none.tmk -o out.tmb
    expect_status 3
    [ ! -e out.tmb ]
    both tidemark bundle "$(one tmk)" -o none/out.tmb
    expect_status 4
}
