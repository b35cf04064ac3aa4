#!/usr/bin/env bats
# The verdict of a tree of processes, such as `make check` with hundreds of programs: one, which names the process.
load helper

# prog: 12 rounds; with an argument each leaves a block.
round_program() {
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
}

@test "one leaking program among two hundred: one verdict, its name in every output" {
    round_program
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

# What processes hold together is read from the curve, of which fewer points may be shown.
@test "a limit for all processes together does not depend on how many points are shown" {
    program prog <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    usleep(20000);
    char *block = memset(malloc(4 << 20), 1, 4 << 20);
    usleep(20000);
    free(block);
    usleep(100000);
    return 0;
}
C
    printf '[run]\nmax-live = 2M\n' >rules.ini
    tidemark record -q -o t.tmk sh -c './prog; ./prog; true'
    tidemark report t.tmk --budget rules.ini --json all.json >all.txt
    [ "$(jq -c '[.verdict.result, .verdict.budgets[0].ok]' all.json)" = '["budget",false]' ]
    for points in 2 3 5 4000; do
        tidemark report t.tmk --budget rules.ini --points $points --json few.json >few.txt
        [ "$(jq -c '.verdict, .totals, .phases' few.json)" = "$(jq -c '.verdict, .totals, .phases' all.json)" ]
        jq -e "(.curve | length) <= $points" few.json >/dev/null
    done
}

# The tests of a suite as make runs them: each a process, phases from their common output.
@test "what one of the processes had for a moment is in the curve of all, however few points it has" {
    program spike <<'C'
#include <stdlib.h>
int main(void) {
    void *volatile block = malloc(50 << 20);
    free(block);
    return 0;
}
C
    tidemark record -q -o t.tmk sh -c './spike; ./spike; :'
    for points in 2 3 10 1000; do
        tidemark report t.tmk --points $points --json - >report.json
        [ "$(jq '[.curve[].live_bytes] | max' report.json)" -ge $((50 << 20)) ]
        [ "$(jq '.curve | length' report.json)" -le $points ]
        jq -e '[.curve[].t] | . == sort' report.json >/dev/null
        jq -e '.totals.peak_live_bytes >= ([.processes[].peak_live_bytes] | max)' report.json >/dev/null
    done
}

@test "phases from the output of many programs: the one that leaks is named, and the driver can be left out" {
    program prog <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
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
        usleep(5000); /* whoever reads the lines may have no processor at once */
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
    jq -e '.doubts | any(contains("close to an edge"))' t.json
    expect_in "make only starts other programs" "$errors"
    both tidemark run -o t.tmk --skip make --phase-from-output tap --json t.json make -s
    expect_status 10
    [ "$(jq -r '[.verdict.leaks[].site] | unique | length' t.json)" -eq 1 ]
    fails grep -q -- "--skip" <<<"$errors"
}

# It remembers every test, so it grows with each.
@test "a driver is not judged for what it starts, unless it is asked for; another program that starts some is" {
    printf 'all: %s\nt%%:\n\t@echo "== test $*"; /bin/true\n' "$(seq -f 't%g' -s ' ' 40)" >Makefile
    both tidemark run -o t.tmk --phase-from-output '^== (test)' --junit t.xml make -s
    expect_status 0
    [ "$(tail -n 1 <<<"$errors")" = "tidemark: nothing-judged (exit 0, from verdict)" ]
    expect_in "make only starts other programs" "$errors"
    expect_in "only starts others" "$(xmllint --xpath 'string(//testcase[@name="test: no leak"]/skipped/@message)' t.xml)"
    printf '[process]\nmatch = make\n' >make.budget
    both tidemark check t.tmk --budget make.budget
    expect_status 10
    program starter <<'C'
#include <stdio.h>
#include <stdlib.h>
static void *kept[40];
__attribute__((noinline)) static void *grab(int i) { return kept[i] = malloc(100); }
int main(void) {
    for (int i = 0; i < 40; i++) {
        puts("== test");
        fflush(stdout);
        grab(i);
        if (system("/bin/true") != 0) return 1;
    }
    return 0;
}
C
    both tidemark run -o t.tmk --phase-from-output '^== (test)' ./starter
    expect_status 10
    expect_in "grab" "$errors"
}

# One process, two programs: sh waits for 300 ms before the work begins.
@test "a program that another one became: its own sites, pages and end, and its phases at their time in the whole" {
    program work -O1 <<'C'
#include <stdlib.h>
#include <string.h>
#include "tidemark.h"
static void *kept[12];
__attribute__((noinline)) static void *grab(int i) { return kept[i] = malloc(1 << 20); }
int main(void) {
    for (int i = 0; i < 12; i++) {
        tidemark_phase_begin("work");
        memset(grab(i), 1, 1 << 20);
        tidemark_phase_end("work");
    }
    return 7;
}
C
    local sh
    sh=$(command -v dash || command -v sh)
    both tidemark record -q -o t.tmk "$sh" -c 'sleep 0.3; exec ./work'
    expect_status 7
    tidemark report -q t.tmk --json t.json >t.txt
    jq -e '[.processes[] | select(.pid == .parent | not)][0].pid as $pid | [.processes[] | select(.pid == $pid)] |
        length == 2 and .[0].exit.kind == "exec" and .[1].exit == {kind: "code", code: 7} and
        (.[1].exe | endswith("/work"))' t.json >/dev/null
    jq -e '([.processes[].exe] | map(endswith("/work")) | index(true)) as $work | .curve[-1].t as $last |
        (.phases[] | select(.name == "work") | .process_index == $work and all(.instances[]; .begin >= 3e8 and .end <= $last)) and
        all(.sites[]; (.process_index == $work) or (.function != "grab")) and .residency.process_index == $work and
        (([.sites[] | select(.process_index == $work) | .rss_bytes] | add) + .residency.other_sites_bytes
            == .residency.looks[-1].sites_bytes)' t.json >/dev/null
    grep -qE "pid [0-9]+ · [3-9][0-9]{2} ms · exit 7 " t.txt || grep -qE "pid [0-9]+ · [0-9.]+ s · exit 7 " t.txt
    grep -qE "^ +[0-9]+ (dash|sh) .* exec " t.txt
    # sleep is a child of the shell, not of what the shell became.
    jq -e '.processes | .[0].parent_index == null and (.[] | select(.exe | endswith("sleep")) | .parent_index) == 0' t.json >/dev/null
    grep -qE "^ +└ [0-9]+ sleep " t.txt
}

@test "traces of several runs are not judged by one of them: inconclusive, and it is said why" {
    round_program
    mkdir both
    tidemark record -q -o both/good.tmk ./prog
    tidemark record -q -o both/bad.tmk ./prog x
    both tidemark check both/good.tmk both/bad.tmk
    expect_status 12
    expect_in "1 trace was not judged, of other runs" "$output"
    both tidemark check both/bad.tmk both/good.tmk
    expect_status 10
    both tidemark check both
    expect_in "of other runs: judge each run by itself" "$output"
    echo text >both/not.tmk
    both tidemark check both/good.tmk both/not.tmk
    expect_status 12
    expect_in "1 file was not judged" "$output"
    both tidemark check --allow-inconclusive both/good.tmk both/not.tmk
    expect_status 0
    rm both/bad.tmk
    both tidemark check both
    expect_status 0
    tidemark record -q -o alone.tmk ./prog x
    mkdir -p both/good.tmk.d && mv alone.tmk both/good.tmk.d/
    both tidemark check both/good.tmk
    expect_status 0
    expect_in "1 trace was left out, of other runs" "$output"
}

@test "what many processes of one program have in common is told once, and how often" {
    program child -O1 <<'C'
#include <stdlib.h>
#include "tidemark.h"
static void *volatile kept;
__attribute__((noinline)) static void *keeps(void) { return malloc(5000); }
int main(void) {
    tidemark_phase_begin("start");
    kept = keeps();
    tidemark_phase_end("start");
    return 0;
}
C
    program parent -O1 <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    for (int i = 0; i < 50; i++) {
        if (fork() == 0) execl("./child", "./child", (char *)NULL);
        wait(NULL);
    }
    return 0;
}
C
    tidemark record -q -o t.tmk ./parent
    tidemark report t.tmk --json t.json >out
    [ "$(grep -c 'keeps .*\[not-judged\]' out)" -eq 1 ]
    grep -A 3 'keeps .*\[not-judged\]' out | grep -q 'also in 49 processes: 239 KiB$'
    [ "$(grep -c '^ *start child ' out)" -eq 1 ]
    grep -Eq '^  … and [0-9]+ more of further processes of these programs$' out
    grep -q 'more; most often: 50 child, [0-9]* parent$' out
    grep -q 'live in [0-9]* blocks where its [0-9]* processes' out
    [ "$(jq '[.sites[] | select(.function == "keeps")] | length' t.json)" -eq 50 ]
    [ "$(jq '[.phases[] | select(.name == "start")] | length' t.json)" -eq 50 ]
}

# As in a server whose parent was marked: its rounds say nothing of the workers.
@test "rounds of a parent whose children do the work, without rounds, are no pass without a hint" {
    program server <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tidemark.h"
int main(int argc, char **argv) {
    for (int worker = 0; worker < 2; worker++) {
        if (fork()) continue;
        for (int i = 0; i < 100; i++) free(malloc(100));
        return 0;
    }
    for (int i = 0; i < (argc > 1 ? atoi(argv[1]) : 0); i++) free(malloc(100));
    for (int round = 0; round < 12; round++) {
        tidemark_phase_begin("load");
        tidemark_phase_end("load");
    }
    while (wait(NULL) > 0) {}
    return 0;
}
C
    both tidemark run -o t.tmk ./server
    expect_in "hint: 2 processes without rounds made 100% of the allocations and are not judged" "$errors"
    both tidemark run -o t.tmk ./server 1000
    [[ "$errors" != *"without rounds"* ]]
}

@test "a tree tells how many of its processes have no end, and one process what ended it" {
    program forks <<'C'
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    free(malloc(100));
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        free(malloc(100));
        if (!child && i) return 0;
        if (!child) raise(SIGKILL);
        waitpid(child, NULL, 0);
    }
    return 0;
}
C
    tidemark record -q -o t.tmk ./forks
    both tidemark report t.tmk --markdown t.md
    for text in "$(tr -s ' \n' ' ' <<<"$output")" "$(cat t.md)"; do
        expect_in "of 3 processes 1 were killed or are still running, and what they would have released, or have since, is unknown" "$text"
    done
    both tidemark report t.tmk.d/*
    tidemark record -q -o k.tmk sh -c 'kill -KILL $$' || true
    both tidemark report k.tmk
    expect_in "• signal 9 ended the process, and what it would have released at its end is unknown" "$output"
    [[ "$output" != *"bytes each"* ]]
}
