#!/usr/bin/env bats
# Exports of a recorded program: the tools that they are made for open them, and all tell the same bytes.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    local tidemark=${TIDEMARK:-${BUILD:-$BATS_TEST_DIRNAME/../../build}/tidemark}
    gcc -O1 -g -I"$BATS_TEST_DIRNAME/../../include" "$BATS_TEST_DIRNAME/../../samples/quickstart/quickstart.c" -o quickstart
    "$tidemark" record -q -o t.tmk ./quickstart --leak >/dev/null
}

needs() { command -v "$1" >/dev/null || skip "$1 is missing${2:+ ($2)}"; }
exported() { tidemark export "$BATS_FILE_TMPDIR/t.tmk" --format "$1" -o "out.$1"; }

# What remember_visitor() leaves behind: 2000 blocks of 48 bytes.
LEAKED=96000

@test "folded: every line is a stack and a number, as flamegraph.pl reads them" {
    exported folded
    [ "$(grep -cvE '^[^ ].* [0-9]+$' out.folded)" -eq 0 ]
    [ "$(awk '/remember_visitor/ { n += $NF } END { print n }' out.folded)" -eq $LEAKED ]
}

@test "pprof: go tool pprof" {
    needs go "package golang-go"
    exported pprof
    go tool pprof -raw out.pprof >raw 2>/dev/null
    grep -q remember_visitor raw
    go tool pprof -top -sample_index=inuse_space -unit=B out.pprof 2>/dev/null | grep -qE "^ +${LEAKED}B .*remember_visitor"
    go tool pprof -top -sample_index=alloc_objects out.pprof 2>/dev/null | grep -qE '^ +2000 .*remember_visitor'
}

@test "sqlite: the ten ready queries run" {
    needs sqlite3 "package sqlite3"
    exported sqlite
    [ "$(sqlite3 out.sqlite "SELECT count(*) FROM sqlite_master WHERE type = 'view' AND name LIKE 'q!_%' ESCAPE '!'")" -eq 10 ]
    for view in $(grep -oE 'q_[a-z_]+' "$ROOT/docs/export.md" | sort -u); do sqlite3 out.sqlite "SELECT * FROM $view" >/dev/null; done
    sqlite3 out.sqlite 'SELECT * FROM q_leaks' | grep -q remember_visitor
    [ "$(sqlite3 out.sqlite "SELECT sum(live_bytes_end) FROM sites WHERE function = 'remember_visitor'")" -eq $LEAKED ]
}

@test "OpenMetrics: the parser of prometheus_client" {
    /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null || skip "prometheus_client is missing (package python3-prometheus-client)"
    exported openmetrics
    /usr/bin/python3 -c '
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
found = {family.name: family for family in families(open("out.openmetrics").read())}
assert any(sample.value == 96000 for family in found.values() for sample in family.samples), found'
}

@test "speedscope: each sample's frames exist, each profile's weights are its samples'" {
    exported speedscope
    jq -e '(.["$schema"] | endswith("file-format-schema.json")) and (.shared.frames | length) as $frames |
        all(.profiles[]; .type == "sampled" and (.samples | length) == (.weights | length) and
            all(.samples[][]; . >= 0 and . < $frames) and (.weights | add) <= .endValue)' out.speedscope >/dev/null
}

@test "Perfetto: every event has what its kind needs, slices end after they began" {
    exported perfetto
    jq -e 'all(.traceEvents[]; has("ph") and has("pid")) and
        all(.traceEvents[] | select(.ph == "C"); (.ts >= 0) and (.args | length > 0)) and
        all(.traceEvents[] | select(.ph == "X"); .dur >= 0) and
        ([.traceEvents[] | select(.name == "requests" and .ph == "X")] | length == 20)' out.perfetto >/dev/null
}

@test "massif: ms_print" {
    needs ms_print "package valgrind"
    exported massif
    ms_print out.massif | grep -q remember_visitor
}

@test "callgrind: callgrind_annotate has what is live" {
    needs callgrind_annotate "package valgrind"
    exported callgrind
    callgrind_annotate out.callgrind | grep -q "^ *$(sed ':a;s/\B[0-9]\{3\}\>/,&/;ta' <<<$LEAKED) .*remember_visitor"
}

@test "heaptrack: heaptrack_print" {
    needs heaptrack_print "package heaptrack"
    exported heaptrack
    heaptrack_print out.heaptrack 2>/dev/null | grep -q remember_visitor
}

@test "folded: flamegraph.pl draws it" {
    needs flamegraph.pl "github.com/brendangregg/FlameGraph"
    exported folded
    flamegraph.pl --countname=bytes out.folded >out.svg
    grep -q '<title>remember_visitor (96,000 bytes' out.svg
}

# The page of speedscope reads a profile that a script beside it hands over; its own parser takes it or says that it can't.
@test "speedscope: speedscope itself loads it" {
    needs chromium
    local page
    page=$(npm root -g 2>/dev/null)/speedscope/dist/release
    [ -f "$page/index.html" ] || skip "speedscope is missing (npm install -g speedscope)"
    exported speedscope
    cp -r "$page" page
    echo "speedscope.loadFileFromBase64('out.speedscope', '$(base64 -w0 out.speedscope)')" >page/profile.js
    timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --allow-file-access-from-files \
        --virtual-time-budget=8000 --dump-dom "file://$PWD/page/index.html#localProfilePath=$PWD/page/profile.js" >dom 2>log 3>&-
    grep -q 'live bytes at the end' dom
}

@test "heaptrack_print has our allocations, peak and leaks" {
    needs heaptrack_print "package heaptrack"
    program sizes <<'C'
#include <stdlib.h>
static void *volatile kept[1000];
int main(void) {
    for (int i = 0; i < 20000; i++) { kept[0] = malloc(100 + i % 7); free(kept[0]); }
    for (int i = 0; i < 1000; i++) kept[i] = malloc(100 + i % 3);
    for (int i = 0; i < 600; i++) free(kept[i]);
    return 0;
}
C
    tidemark record -q -o sizes.tmk ./sizes
    tidemark export sizes.tmk --format heaptrack -o sizes.heaptrack
    heaptrack_print sizes.heaptrack >printed 2>/dev/null
    grep -q "^calls to allocation functions: 21000 " printed
    grep -q "^peak heap memory consumption: 101.00K" printed # 100 999, 400 of them 101 bytes in the mean kept
    grep -q "^total memory leaked: 40.40K" printed
}

@test "no call site is left out, however many there are" {
    python3 - >many.c <<'P'
print("#include <stdlib.h>\nstatic void *volatile kept;")
for i in range(80): print(f"__attribute__((noinline)) static void get_{i}(int n) {{ kept = malloc(n + {i}); }}")
for i in range(70): print(f"__attribute__((noinline)) static void call_{i}(void) {{", *(f"get_{j}({i}); free(kept);" for j in range(80)), "}")
print("int main(void) {", *(f"call_{i}();" for i in range(70)), "}")
P
    gcc -O1 -g many.c -o many
    tidemark record -q -o many.tmk ./many
    tidemark export many.tmk --format folded --value allocations >folded
    [ "$(awk '{ sum += $NF } END { print sum }' folded)" -eq 5600 ]
}
