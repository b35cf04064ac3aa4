#!/usr/bin/env bats
# The verdict of a tree of processes, such as `make check` with hundreds of programs: one, which names the process.
load helper

@test "one leaking program among two hundred: one verdict, its name in every output" {
    program prog -O1 <<'C'
#include <stdlib.h>
#include "tidemark.h"
static void *kept[100];
__attribute__((noinline)) static void *grab(int i) { return kept[i] = malloc(100); }
int main(int argc, char **argv) {
    (void)argv;
    for (int i = 0; i < 12; i++) {
        tidemark_phase_begin("work");
        grab(i);
        if (argc < 2) free(kept[i]);
        tidemark_phase_end("work");
    }
    return 0;
}
C
    cp prog culprit
    printf 'all: %s bad\nt%%:\n\t@./prog\nbad:\n\t@./culprit x\n' "$(seq -f 't%g' -s ' ' 200)" >Makefile
    both tidemark run -o t.tmk --junit t.xml --sarif t.sarif --github --markdown t.md make -s -j2
    expect_status 10
    [ "$(tail -n 1 <<<"$errors")" = "tidemark: leak (exit 10, from verdict)" ]
    [ "$(ls t.tmk.d | wc -l)" -eq 201 ]
    expect_in "process culprit, pid" "$errors"
    [ "$(grep -c '^::error .*grab grows in work: in the process culprit (pid ' <<<"$output")" -eq 1 ]
    [ "$(xmllint --xpath 'string(count(//testcase[@name="work: no leak"]))' t.xml)" -eq 1 ]
    [[ "$(xmllint --xpath 'string(//failure)' t.xml)" == *"in the process culprit"* ]]
    jq -e '[.runs[0].results[] | select(.level == "error")] | length == 1 and (.[0].message.text | contains("process culprit"))' t.sarif >/dev/null
    both tidemark check -q t.tmk.d
    expect_status 10
}

# The tests of a suite as make runs them: each a process, phases from their common output.
@test "phases from the output of many programs: the one that leaks is named, and the driver can be left out" {
    program prog <<'C'
#include <stdio.h>
#include <stdlib.h>
static void *kept[20];
__attribute__((noinline)) static void *grab(int i) { return kept[i] = malloc(100); }
int main(int argc, char **argv) {
    (void)argv;
    setvbuf(stdout, NULL, _IONBF, 0);
    puts("1..12");
    for (int i = 0; i < 12; i++) {
        grab(i);
        if (argc < 2) free(kept[i]);
        printf("ok %d\n", i + 1);
    }
    return 0;
}
C
    cp prog culprit
    printf 'all: %s bad\nt%%:\n\t@./prog\nbad:\n\t@./culprit x\n' "$(seq -f 't%g' -s ' ' 20)" >Makefile
    both tidemark run -o t.tmk --phase-from-output tap --json t.json make -s
    expect_status 10
    jq -e '.processes as $all | .sites as $sites | [.verdict.leaks[] | .site as $site | $sites[] | select(.id == $site and .function == "grab") | .process]
        | unique | length == 1 and (.[0] as $pid | $all[] | select(.pid == $pid) | .exe | endswith("/culprit"))' t.json
    jq -e '.phases | any(.name == "test 7" and .approximate)' t.json
    jq -e '.doubts | any(contains("lines of output"))' t.json
    expect_in "--skip make" "$errors"
    both tidemark run -o t.tmk --skip make --phase-from-output tap --json t.json make -s
    expect_status 10
    [ "$(jq -r '[.verdict.leaks[].site] | unique | length' t.json)" -eq 1 ]
    fails grep -q -- "--skip" <<<"$errors"
}
