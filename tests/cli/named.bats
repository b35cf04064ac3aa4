#!/usr/bin/env bats
# [process] of a budget: which processes of a tree can fail the run.
load helper

# CMD is a shell; its child repeats its work in operations, not in phases, and leaks.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    local tidemark=${TIDEMARK:-${BUILD:-$BATS_TEST_DIRNAME/../../build}/tidemark}
    cat >server.c <<'C'
#include <stdlib.h>
#include "tidemark.h"
static void *kept[4000];
__attribute__((noinline)) static void *remember(int i) { return kept[i] = malloc(64); }
int main(void) {
    for (int i = 0; i < 4000; i++) {
        tidemark_op_begin("request");
        remember(i);
        free(malloc(100));
        tidemark_op_end("request", true);
    }
    return 0;
}
C
    gcc -g -O0 -I"$BATS_TEST_DIRNAME/../../include" server.c -o server
    "$tidemark" record -q -o t.tmk sh -c './server; :'
}

judged() { # BUDGET
    printf "$1" >b.budget
    both tidemark check "$BATS_FILE_TMPDIR/t.tmk" --budget b.budget
}

@test "a child without phases is listed and does not fail the run" {
    both tidemark check "$BATS_FILE_TMPDIR/t.tmk"
    expect_status 0
    tidemark report "$BATS_FILE_TMPDIR/t.tmk" --json - | jq -e '[.processes[].exe] | any(endswith("/server"))'
}

@test "one that is named does" {
    judged '[process]\nmatch = server\n'
    expect_status 10
    expect_in "remember" "$output"
    expect_in "process server, pid" "$output"
    judged "[process]\nmatch = $BATS_FILE_TMPDIR/serv*\n"
    expect_status 10
}

@test "unless what it leaks is ignored; an ignore that was of no use is told" {
    judged '[process]\nmatch = server\nignore = leak\nreason = to be replaced\n'
    expect_status 0
    expect_in "is ignored: leak, by [process] line 1: match = server (to be replaced)" "$(tr -s '\n ' ' ' <<<"$output")"
    judged '[process]\nmatch = nobody\nignore = leak\n'
    expect_status 0
    expect_in "unused: [process] line 1: match = nobody" "$output"
}

@test "a name that no process has is inconclusive, with the nearest, unless it is optional" {
    judged '[process]\nmatch = sever\n'
    expect_status 12
    expect_in "no process matches; the nearest is server" "$output"
    judged '[process]\nmatch = sever\noptional = yes\n'
    expect_status 0
}
