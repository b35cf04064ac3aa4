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
