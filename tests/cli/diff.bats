#!/usr/bin/env bats
# Two recordings of a program whose changes between them are known to the byte.
load helper

# known WORK LEAK INIT: WORK rounds of ten items; each keeps LEAK bytes in leaky(); INIT bytes are taken once.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    cat >known.c <<'C'
#include <stdlib.h>
#include <string.h>
#include "tidemark.h"
static void *volatile kept;
__attribute__((noinline)) static void leaky(size_t size) { kept = malloc(size); }
__attribute__((noinline)) static void once(size_t size) { kept = calloc(1, size); }
__attribute__((noinline)) static void steady(void) { free(malloc(20000)); }
#ifdef RENAMED
#define table renamed_table
#endif
__attribute__((noinline)) static void table(void) { kept = malloc(50000); }
int main(int argc, char **argv) {
    int rounds = atoi(argv[1]), leak = atoi(argv[2]), init = atoi(argv[3]);
    (void)argc;
    once((size_t)init);
    table();
    for (int round = 0; round < rounds; round++) {
        tidemark_phase_begin("load");
        if (leak) leaky((size_t)leak);
        steady();
        tidemark_items(10);
        tidemark_phase_end("load");
    }
    return 0;
}
C
    local program=${TIDEMARK:-${BUILD:-$BATS_TEST_DIRNAME/../../build}/tidemark} flags="-O1 -g -fno-builtin"
    cc $flags -I"$BATS_TEST_DIRNAME/../../include" known.c -o known
    mkdir other && cc $flags -DRENAMED -O2 -I"$BATS_TEST_DIRNAME/../../include" known.c -o other/known
    "$program" record -q -o plain.tmk ./known 20 0 30000
    "$program" record -q -o again.tmk ./known 20 0 30000
    "$program" record -q -o leak.tmk ./known 20 1000 30000
    "$program" record -q -o leak2.tmk ./known 40 1000 30000
    "$program" record -q -o faster.tmk ./known 40 3000 30000
    "$program" record -q -o init.tmk ./known 20 0 90000
    "$program" record -q -o renamed.tmk other/known 20 0 30000
}

compare() { # OLD NEW JQ-FILTER
    tidemark diff "$BATS_FILE_TMPDIR/$1.tmk" "$BATS_FILE_TMPDIR/$2.tmk" --json - | jq -c "walk(if type == \"number\" then . + 0 else . end) | $3" # 1.0 is 1, for every jq
}

is() {
    [ "$1" = "$2" ] || { echo "$1 instead of $2"; return 1; }
}

grows() { # OLD NEW: whether --exit-code says so
    status=0
    tidemark diff -q --exit-code "$BATS_FILE_TMPDIR/$1.tmk" "$BATS_FILE_TMPDIR/$2.tmk" "${@:3}" >out || status=$?
}

changed='[.sites[] | select(.change != "same") | [.change, .function, .old.live_bytes_end, .new.live_bytes_end]]'

@test "the same program twice: no difference" {
    grows plain again
    is "$status" 0
    expect_in "no difference beyond noise" "$(cat out)"
    is "$(compare plain again '[.grew, .sites_by_change.same >= 3, .findings, .work.ratio]')" '[false,true,[],1]'
    is "$(compare plain again '[.sites[].change] | unique')" '["same"]'
}

@test "a leak that is new: the site, the verdict, the exit status" {
    grows plain leak
    is "$status" 1
    is "$(compare plain leak "$changed")" '[["new","leaky",0,20000]]'
    is "$(compare plain leak '[.findings[] | [.kind, .change, .function, .phase, .class_old, .class_new]]')" \
        '[["leak","new","leaky","load",null,"leak"]]'
    is "$(compare plain leak '[.old.result, .new.result, .grew]')" '["pass","leak",true]'
    is "$(compare plain leak '.phases[] | select(.name == "load") | [.change, .old.retained_bytes, .new.retained_bytes, .kept_per_unit_new]')" \
        '["grown",0,20000,100]'
}

@test "a leak that is gone is no growth" {
    grows leak plain
    is "$status" 0
    is "$(compare leak plain "$changed")" '[["gone","leaky",20000,0]]'
    is "$(compare leak plain '[.findings[] | [.change, .class_old, .class_new]]')" '[["gone","leak",null]]'
}

@test "twice the work: what builds up is compared for each item" {
    grows leak leak2
    is "$status" 0
    is "$(compare leak leak2 '[.work.kind, .work.old, .work.new, .work.ratio]')" '["items",200,400,2]'
    is "$(compare leak leak2 "$changed")" '[]'
    grows leak faster
    is "$status" 1
    is "$(compare leak faster "$changed")" '[["grown","leaky",20000,120000]]'
    grows faster leak
    is "$status" 0
    is "$(compare faster leak "$changed")" '[["shrunk","leaky",120000,20000]]'
}

@test "what is taken once grows as it is" {
    grows plain init
    is "$status" 1
    is "$(compare plain init "$changed")" '[["grown","once",30000,90000]]'
    grows plain init --margin 70%
    is "$status" 0
    grows plain init --least 64k
    is "$status" 0
}

@test "another build has the same sites; a renamed function has moved" {
    grows plain renamed
    is "$status" 0
    is "$(compare plain renamed '[.sites[] | select(.change != "same") | [.change, .function]] | sort')" \
        '[["moved","renamed_table"],["moved","table"]]'
    is "$(compare plain renamed '[.sites[] | select(.function == "once") | [.change, .old.allocations, .new.allocations]]')" \
        '[["same",1,1]]'
}

@test "the JSON satisfies the shipped schema, which notices changes" {
    python3=/usr/bin/python3
    "$python3" -c 'import jsonschema' 2>/dev/null || skip "python3-jsonschema is missing"
    check() { "$python3" -W ignore -m jsonschema -i "$1" "$ROOT/docs/diff.schema.json" >/dev/null 2>&1; }
    for new in again leak init renamed; do
        tidemark diff "$BATS_FILE_TMPDIR/plain.tmk" "$BATS_FILE_TMPDIR/$new.tmk" --json "$new.json" >/dev/null
        check "$new.json" || { echo "$new"; return 1; }
    done
    jq 'del(.sites[0].other)' leak.json >missing.json
    fails check missing.json
    jq '.sites[0].old.extra = 1' leak.json >added.json
    fails check added.json
}

@test "Markdown and HTML: complete, and with nothing from elsewhere" {
    tidemark diff "$BATS_FILE_TMPDIR/plain.tmk" "$BATS_FILE_TMPDIR/leak.tmk" --markdown out.md --html out.html >/dev/null
    expect_in "Tidemark: grew" "$(cat out.md)"
    expect_in "leaky" "$(cat out.md)"
    expect_in "tidemark-diff/1" "$(cat out.html)"
    fails grep -E '(src|href)=|https?://[^w]' out.html
}

@test "the HTML draws itself: differential flame graph, tables, no error" {
    tidemark diff "$BATS_FILE_TMPDIR/plain.tmk" "$BATS_FILE_TMPDIR/leak.tmk" --html out.html >/dev/null
    browse "file://$PWD/out.html" "1 new leak"
    expect_in 'aria-label="leaky +19.5' "$(cat dom)"
    expect_in "color-mix(in srgb, var(--more) 100%" "$(cat dom)"
    expect_in "0 moved" "$(cat dom)"
    fails grep -E "CONSOLE.*(Error|Refused)" log
}

@test "two folders are compared as trees" {
    mkdir old new
    cp "$BATS_FILE_TMPDIR/plain.tmk" old/a.tmk
    cp "$BATS_FILE_TMPDIR/leak.tmk" new/a.tmk
    both tidemark diff old new --exit-code
    expect_status 1
    expect_in "leaky" "$output"
}

@test "tables keep to eighty columns, and have all at a hundred" {
    for columns in 80 100; do
        COLUMNS=$columns tidemark diff "$BATS_FILE_TMPDIR/plain.tmk" "$BATS_FILE_TMPDIR/leak.tmk" >$columns
        python3 - $columns <<'P'
import sys
lines = open(sys.argv[1], encoding="utf-8").read().split("\n")
tables = lines[lines.index(next(line for line in lines if line.startswith("Phases"))):]
long = [line for line in tables if len(line) > int(sys.argv[1]) and " site " not in line]
assert not long, long
P
    done
    grep -q 'live peak' 100
    fails grep -q 'live peak' 80
}

@test "what the two are not alike in is said: another program, nothing for the same one" {
    mkdir elsewhere
    cp "$BATS_FILE_TMPDIR/known" elsewhere/other
    cp "$BATS_FILE_TMPDIR/known" elsewhere/known
    for name in other known; do "$TIDEMARK" record -q -o $name.tmk elsewhere/$name 20 0 30000 >/dev/null || true; done
    tidemark diff "$BATS_FILE_TMPDIR/plain.tmk" other.tmk --json d.json --markdown d.md >out
    grep -q 'the two are not alike: program known and other; what differs may come of that' out
    grep -q 'not alike: program known and other' d.md
    is "$(jq -r .unlike d.json)" "the two are not alike: program known and other; what differs may come of that"
    tidemark diff "$BATS_FILE_TMPDIR/plain.tmk" known.tmk --json d.json >out
    is "$(jq .unlike d.json)" null
    fails grep -q 'not alike' out
}

@test "a trace that can't be read: 3, whichever it is" {
    echo nothing >bad.tmk
    both tidemark diff bad.tmk "$BATS_FILE_TMPDIR/plain.tmk"
    expect_status 3
    both tidemark diff "$BATS_FILE_TMPDIR/plain.tmk" bad.tmk --exit-code
    expect_status 3
    both tidemark diff --margin many a b
    expect_status 2
}
