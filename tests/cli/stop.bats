#!/usr/bin/env bats
# Runs that were stopped: each condition of TIDEMARK_STOP_ABOVE, and a request from outside. The stop is in the trace with
# its cause, in the verdict of the run, and in that of a later check.
load helper

# A program that is above every limit for as long as it is let: memory that grows, a busy processor, operations that stay
# open. The alarm ends a run that nobody stopped, with another signal.
greedy() {
    program greedy -O1 <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tidemark.h"
int main(int argc, char **argv) {
    alarm(20);
    puts("started");
    fflush(stdout);
    for (long i = 0;; i++) {
        char *block = malloc(100000);
        if (strcmp(argv[1], "memory") == 0) memset(block, 1, 100000);
        else free(block);
        if (strcmp(argv[1], "operations") == 0 && i < 60) tidemark_op_start("request");
        if (strcmp(argv[1], "busy") != 0) usleep(500);
        else for (volatile int spin = 0; spin < 300000;) spin++;
    }
    return argc;
}
C
}

stopped_for() { # LIMIT, what the program does, the cause
    rm -rf t.tmk*
    TIDEMARK_STOP_ABOVE=$1 both tidemark run -o t.tmk ./greedy "$2"
    expect_status 143
    expect_in "stopped at a limit: $3" "$errors"
    [ "$(tail -n 1 <<<"$errors")" = "tidemark: budget (exit 143, from CMD)" ]
    records t.tmk | grep -q "^request .*command=6 .*name=\"$3\""
    both tidemark check t.tmk --json r.json
    expect_status 11
    [ "$(jq -r .verdict.result r.json)" = budget ]
    [[ "$(jq -r '.verdict.reasons[]' r.json)" == *"$3"* ]]
}

@test "rss" { greedy && stopped_for rss=60M memory rss; }
@test "growth" { greedy && stopped_for growth=5M/s memory growth; }
@test "time" { greedy && stopped_for time=300ms idle time; }
@test "cpu" { greedy && stopped_for cpu=1% busy cpu; }
@test "concurrent" { greedy && stopped_for concurrent=50 operations concurrent; }

@test "below every limit nothing is stopped" {
    program small <<<'#include <stdlib.h>
int main(void) { for (int i = 0; i < 1000; i++) free(malloc(100)); return 0; }'
    TIDEMARK_STOP_ABOVE=rss=1G,growth=1G/s,time=300s,concurrent=5 both tidemark run -o t.tmk ./small
    expect_status 0
}

# `true` is over in a millisecond.
@test "the threads and descriptors of the shortest program are known to rules" {
    tidemark record -q -o t.tmk true
    printf '[run]\nmax-threads = 1\nmax-fds = 2000\n' >budget
    both tidemark check t.tmk --budget budget
    expect_status 0
    printf '[run]\nmax-fds = 0\n' >budget
    both tidemark check t.tmk --budget budget
    expect_status 11
}

@test "mark --stop: in the trace and in the verdict" {
    greedy
    "$TIDEMARK" run -o t.tmk ./greedy idle >out 2>err &
    local run=$! target
    until_true grep -q started out
    target=$(pgrep -P $run greedy)
    tidemark mark "$target" --stop
    status=0
    wait $run || status=$?
    [ "$status" -eq 143 ]
    expect_in "stopped on request" "$(cat err)"
    [ "$(tail -n 1 err)" = "tidemark: budget (exit 143, from CMD)" ]
    both tidemark check t.tmk
    expect_status 11
}

@test "mark --stop reaches a target that sleeps and runs nothing of ours" {
    program sleeper <<'END'
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    free(malloc(10));
    write(1, "up\n", 3);
    return pause();
}
END
    "$TIDEMARK" record -q -o t.tmk ./sleeper >out 3>&- &
    recorder=$!
    until_true grep -q up out
    target=$(pgrep -P "$recorder" -f '^./sleeper')
    tidemark mark "$target" --stop
    status=0
    wait "$recorder" || status=$?
    [ "$status" -eq 143 ]
    both tidemark check t.tmk
    expect_status 11
    expect_in "stopped" "$output"
}

# For 2000 steps of a millisecond and more.
orderly() {
    program orderly <<'C'
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static volatile sig_atomic_t asked;
static void note(int number) { asked = number; }
int main(void) {
    signal(SIGTERM, note);
    alarm(20);
    for (int i = 0; i < 2000 && !asked; i++) {
        memset(malloc(200000), 1, 200000);
        usleep(1000);
    }
    return asked == 0;
}
C
}

@test "a target that ends in order when it is asked to: the verdict's status is that of the run" {
    orderly
    TIDEMARK_STOP_ABOVE=rss=40M both tidemark run -o t.tmk ./orderly
    expect_status 11
    [ "$(tail -n 1 <<<"$errors")" = "tidemark: budget (exit 11, from verdict)" ]
    TIDEMARK_STOP_ABOVE=rss=40M both tidemark record -q -o t.tmk ./orderly
    expect_status 0
    both tidemark check t.tmk --junit o.xml --sarif o.sarif --markdown o.md --github
    expect_status 11
    expect_in "stopped at a limit&#58; rss" "$(cat o.md)"
    [ "$(xmllint --xpath 'string(count(//failure))' o.xml)" -eq 1 ]
    [ "$(jq '[.runs[0].results[] | select(.level == "error")] | length' o.sarif)" -eq 1 ]
    expect_in "::error title=stopped::" "$output"
}

# A sample may cost one part in a hundred of the time: 30 ms in which it waits would be three seconds without another.
@test "limits are looked at as often on a machine that is busy elsewhere" {
    strace -o /dev/null true 2>/dev/null || skip "needs strace"
    orderly
    both env TIDEMARK_STOP_ABOVE=rss=40M strace -f -qq -o calls -P /proc/self/statm -e inject=openat:delay_exit=30000 \
        -E LD_PRELOAD="$BUILD/libtrace.so" ./orderly
    expect_status 0
    grep -q 'statm.*DELAYED' calls
}

# Nothing of such a program runs at which a limit could be looked at: what hangs is what limits are for.
@test "limits hold for a program that sleeps or hangs, and one that will not end is killed" {
    program idler <<'C'
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
    alarm(20);
    free(malloc(10));
    if (argc > 1 && strcmp(argv[1], "deaf") == 0) signal(SIGTERM, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "busy") == 0) for (volatile long spin = 0;;) spin++;
    if (argc > 1 && strcmp(argv[1], "child") == 0 && fork() == 0) free(malloc(10));
    for (;;) pause();
}
C
    for what in asleep busy child; do
        TIDEMARK_STOP_ABOVE=time=200ms both timeout 60 "$TIDEMARK" run -o t.tmk ./idler $what
        expect_status 143
        expect_in "stopped at a limit: time" "$errors"
        TIDEMARK_STOP_ABOVE=time=200ms both timeout 60 env LD_PRELOAD="$BUILD/libtrace.so" TIDEMARK_OUT=bare.tmk ./idler $what
        expect_status 143
    done
    TIDEMARK_STOP_ABOVE=time=200ms both timeout 60 "$TIDEMARK" run -o t.tmk ./idler deaf
    expect_status 137
}
