#!/usr/bin/env bats
# Phases, work and the curve of a report, against a program whose work is known by the line.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    local tidemark=${TIDEMARK:-${BUILD:-$BATS_TEST_DIRNAME/../../build}/tidemark}
    cat >work.c <<'C'
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tidemark.h"
static double used(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static void spin(double seconds) { for (double end = used() + seconds; used() < end;); }
static void get(double seconds) {
    tidemark_op_begin("get");
    spin(seconds);
    tidemark_op_end("get", true);
}
static void *carried;
static void batch(int round) {
    tidemark_phase_begin("batch");
    for (int i = 0; i < 5; i++) get(0.0005 * (1 + round));
    free(carried);
    carried = malloc(4000000);
    memset(carried, 1, 4000000);
    tidemark_items(10);
    tidemark_items_named("bytes", 4000);
    tidemark_phase_end("batch");
}
int main(void) {
    for (int round = 0; round < 9; round++) {
        tidemark_phase_begin("night");
        batch(round);
        tidemark_phase_end("night");
    }
    batch(0);
    return 0;
}
C
    gcc -g -O0 -I"$BATS_TEST_DIRNAME/../../include" work.c -o work
    "$tidemark" record -q -o work.tmk ./work
    "$tidemark" report work.tmk --json r.json >r.txt
}

phase() { jq -r --arg name "$1" ".phases[] | select(.name == \$name) | $2" "$BATS_FILE_TMPDIR/r.json"; }

@test "an operation counts for the phases that were around it, and for no other" {
    [ "$(phase run '.ops[0].count')" -eq 50 ]
    [ "$(phase batch '.ops[0].count')" -eq 50 ]
    [ "$(phase night '.ops[0].count')" -eq 45 ]
    [ "$(phase run .peak_in_flight)" -eq 1 ]
}

@test "units beside items are kept, and shown" {
    [ "$(phase batch '[.items, .units[0].name, .units[0].items] | @csv')" = '100,"bytes",40000' ]
    grep -Eq '^ +bytes: 40000' "$BATS_FILE_TMPDIR/r.txt"
    tidemark export "$BATS_FILE_TMPDIR/work.tmk" --format csv --table phase_units -o units.csv
    grep -q 'batch,bytes,40000' units.csv
}

@test "what a round hands to the next is not retained by the phase" {
    [ "$(phase night .retained_bytes)" -eq 4000000 ]
}

@test "the drift of latencies, in the report and against max-drift" {
    # 45 operations of 0.5 to 4.5 ms: the last third takes several times as long as the first.
    [ "$(phase night '.ops[0].ns.drift > 1.5')" = true ]
    printf '[phase]\nmatch = night\nmax-drift = 50%%\n' >low.budget
    printf '[phase]\nmatch = night\nmax-drift = 9900%%\n' >high.budget
    both tidemark check -q "$BATS_FILE_TMPDIR/work.tmk" --budget low.budget
    expect_status 11
    both tidemark check -q "$BATS_FILE_TMPDIR/work.tmk" --budget high.budget
    expect_status 0
}

@test "no figure of the curve is made up: threads, descriptors and address space of a live process, possible processors" {
    jq -e '.system.cpus as $cpus | [.curve[] | select(.rss_bytes != null)]
        | length > 0 and all(.vms_bytes >= .rss_bytes and (.threads == null or .threads == 1) and (.fds == null or .fds >= 3))
        and all(.cpu == null or (.cpu >= 0 and .cpu <= $cpus)) and (.[-1] | .threads == 1 and .fds >= 3)' "$BATS_FILE_TMPDIR/r.json"
    # It spins for 115 ms of processor time: 5 times 0.5 to 4.5 ms, and 5 times 0.5 ms.
    jq -e '.processes[0] | .cpu_ns > 0.9 * 115000000 and .cpu_ns <= .duration_ns * 2' "$BATS_FILE_TMPDIR/r.json"
}

@test "peaks are never below ends" {
    jq -e '.phases | all((.rss_peak == null or .rss_peak >= .rss_end) and .live_peak >= .live_end)' "$BATS_FILE_TMPDIR/r.json"
}

@test "calls of the API that do not fit are told" {
    program misuse -O1 <<'C'
#include <stdlib.h>
#include <string.h>
#include "tidemark.h"
int main(int count, char **arguments) {
    char name[300] = "";
    memset(name, 'x', sizeof name - 1);
    (void)arguments;
    tidemark_phase_begin("work");
    free(malloc(10));
    if (count > 1) tidemark_phase_end("wrok");
    if (count > 1) tidemark_op_end("never begun", true);
    if (count > 1) tidemark_mark(name);
    tidemark_phase_end("work");
}
C
    tidemark record -q -o good.tmk ./misuse
    tidemark report good.tmk --json - | jq -e 'all(.doubts[]; contains("API") | not)' >/dev/null
    tidemark record -q -o bad.tmk ./misuse 1
    tidemark report bad.tmk --json - | jq -e 'any(.doubts[]; startswith("3 calls of the API do not fit: an end whose begin is not in the trace"))' >/dev/null
}

@test "of thousands of phases, those that come back are judged" {
    program suite -O1 <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tidemark.h"
__attribute__((noinline)) static void leaky(void) {
    char *volatile block = malloc(333);
    block[0] = 1;
}
int main(void) {
    for (int round = 0; round < 12; round++)
        for (int test = 0; test < 1500; test++) {
            char name[32];
            snprintf(name, sizeof name, "test-%d", test);
            tidemark_phase_begin(name);
            free(strdup(name));
            if (test == 20 || test == 1400) leaky();
            tidemark_phase_end(name);
        }
}
C
    tidemark record -q -o suite.tmk ./suite
    tidemark check suite.tmk --json suite.json >/dev/null || [ $? -eq 10 ]
    [ "$(jq -r '[.verdict.leaks[].phase] | sort | join(" ")' suite.json)" = "test-1400 test-20" ]
}
