#!/usr/bin/env bats
# Known leaks stay known: site ids across runs, moved lines, other addresses; what is new, or faster, still fails.
load helper

source_of() {
    cat <<'C'
#include <stdlib.h>
#include "tidemark.h"
static void *kept[1000];
static int count;
__attribute__((noinline)) static void *grab(size_t n) { return malloc(n); }
__attribute__((noinline)) static void remember(void) { kept[count++] = grab(SIZE); }
__attribute__((noinline)) static void serve(void) { remember(); free(grab(50)); }
int main(void) {
    for (int i = 0; i < 20; i++) {
        tidemark_phase_begin("work");
        serve();
        tidemark_phase_end("work");
    }
    return 0;
}
C
}

# Builds ./prog from source on stdin, always at the same level of optimisation.
build() { gcc -g -O1 -I "$ROOT/include" -DSIZE="${SIZE:-100}" -x c - -o prog "$@"; }

judged() { both tidemark run -q -o t.tmk --baseline known ./prog; }

@test "a budget that is measured on a leaking run is proposed, and the leak is told" {
    source_of | build
    tidemark record -q -o t.tmk ./prog
    both tidemark budget t.tmk -o rules.budget
    expect_status 0
    expect_in "t.tmk: grab leaks in work, and the limits allow for that" "$errors"
    SIZE=100 && source_of | sed 's/kept\[count++\] = grab(SIZE)/free(grab(SIZE))/' | build
    tidemark record -q -o t.tmk ./prog
    both tidemark budget t.tmk -o rules.budget
    [ -z "$errors" ]
}

@test "a known leak passes: in the next run, after moved lines and new functions, at other addresses" {
    source_of | build
    both tidemark run -q -o t.tmk ./prog
    expect_status 10
    both tidemark run -q -o t.tmk --baseline known --update-baseline --json r.json ./prog
    expect_status 0
    [ "$(jq -r '.verdict | [.result, (.leaks, .known | length)] | @csv' r.json)" = '"pass",0,1' ]
    expect_in "from now on" "$(jq -r '.verdict.reasons[]' r.json)"
    [ "$(jq '.leaks | length' known)" -eq 1 ]
    judged
    expect_status 0
    (printf '/* moved */\n\nint other(int x);\nint other(int x) { return 3 * x; }\n\n'; source_of) | build
    judged
    expect_status 0
    source_of | build -no-pie
    judged
    expect_status 0
    setarch -R true 2>/dev/null || return 0
    both setarch -R "$TIDEMARK" run -q -o t.tmk --baseline known ./prog
    expect_status 0
}

@test "a baseline is written as a whole: links are followed, its mode stays, no name beside it is taken" {
    source_of | build
    mkdir store && touch precious && ln -s store/real known && ln -s precious known.new && ln -s ../precious store/real.new
    printf '{"schema": "tidemark-baseline/1", "leaks": []}' >store/real
    chmod 640 store/real
    tidemark run -q -o t.tmk --baseline known --update-baseline ./prog
    [ -L known ]
    [ ! -s precious ]
    [ "$(jq '.leaks | length' store/real)" -eq 1 ]
    [ -z "$(tail -c 1 store/real)" ] # a text file, its last line ended
    [ "$(stat -c %a store/real)" = 640 ]
    (umask 027 && tidemark run -q -o t.tmk --baseline fresh --update-baseline ./prog)
    [ "$(stat -c %a fresh)" = 640 ]
    [ "$(ls -A store)" = "$(printf 'real\nreal.new')" ]
}

@test "a new place and a faster leak fail" {
    source_of | build
    both tidemark run -q -o t.tmk --baseline known --update-baseline ./prog
    source_of | sed 's/remember/memorise/g' | build
    judged
    expect_status 10
    source_of | SIZE=200 build
    judged
    expect_status 10
    for size in 80 103; do # 103: no more than two runs may differ
        source_of | SIZE=$size build
        judged
        expect_status 0
    done
}

@test "what a run that writes the baseline ignores is not in it; what else is wrong still fails" {
    source_of | build
    printf '[site]\nmatch = ^remember$\nignore = leak\n' >ignoring
    both tidemark run -q -o t.tmk --budget ignoring --baseline known --update-baseline ./prog
    expect_status 0
    [ "$(jq '.leaks | length' known)" -eq 0 ]
    printf '[run]\nmax-live = 1k\n' >tight
    both tidemark check t.tmk --budget tight --baseline known --update-baseline
    expect_status 11
    [ "$(jq '.leaks | length' known)" -eq 1 ]
    both tidemark check t.tmk --baseline no/such/folder --update-baseline
    expect_status 4
}

@test "what a baseline knows and no run leaks any more is told, unless its phase is another program's" {
    source_of | build
    tidemark run -q -o t.tmk --baseline known --update-baseline ./prog
    source_of | sed 's/kept\[count++\] = grab(SIZE)/free(grab(SIZE))/' | build
    both tidemark run -q -o t.tmk --baseline known --json r.json ./prog
    expect_status 0
    expect_in "unused in the baseline: grab in work" "$(jq -r '.verdict.hints[]' r.json)"
    source_of | sed 's/"work"/"play"/' | build
    both tidemark run -q -o t.tmk --baseline known --json r.json ./prog
    expect_status 10
    [ "$(jq '[.verdict.hints[] | select(startswith("unused"))] | length' r.json)" -eq 0 ]
}
