#!/usr/bin/env bats
# tidemark run: the verdict of a run and its exit status.
load helper

leaky() {
    program leaky <<'C'
#include <stdlib.h>
#include <string.h>
#include "tidemark.h"
static char *kept[1000];
static char *remember(size_t size) { return memset(malloc(size), 1, size); }
int main(int argc, char **argv) {
    for (int round = 0; round < 20; round++) {
        tidemark_phase_begin("work");
        for (int i = 0; i < 10; i++) {
            char *block = remember(1000);
            if (argc > 1 && i == 0) kept[round] = block;
            else free(block);
        }
        tidemark_phase_end("work");
    }
    return argc > 2 ? atoi(argv[2]) : 0;
}
C
}

last() { tail -n 1 <<<"$errors"; }

@test "a clean program passes" {
    leaky
    both tidemark run -o t.tmk ./leaky
    expect_status 0
    [ "$(last)" = "tidemark: pass (exit 0, from verdict)" ]
    [ -z "$output" ]
}

@test "a leak fails with 10 and names the function and the phase" {
    leaky
    both tidemark run -o t.tmk ./leaky leak
    expect_status 10
    [ "$(last)" = "tidemark: leak (exit 10, from verdict)" ]
    expect_in remember "$errors"
    expect_in work "$errors"
    [ -z "$output" ]
}

@test "a failing program keeps its status; the verdict is still given" {
    leaky
    both tidemark run -o t.tmk ./leaky leak 7
    expect_status 7
    [ "$(last)" = "tidemark: leak (exit 7, from CMD)" ]
    both tidemark run -o t.tmk sh -c 'kill -KILL $$'
    expect_status 137
    [[ "$(last)" == "tidemark: "*" (exit 137, from CMD)" ]]
}

@test "what a run warns of is named with its evidence" {
    program stepping <<'C'
#include <stdlib.h>
#include <string.h>
#include "tidemark.h"
static char *kept[2];
static char *remember(size_t size) { return memset(malloc(size), 1, size); }
int main(void) {
    for (int round = 0; round < 30; round++) {
        tidemark_phase_begin("work");
        free(remember(1000));
        if (round == 6 || round == 7) kept[round - 6] = remember(100000);
        tidemark_phase_end("work");
    }
    return kept[0] == NULL;
}
C
    both tidemark run --strict -o t.tmk ./stepping
    expect_status 10
    [ "$(last)" = "tidemark: warn (exit 10, from verdict)" ]
    expect_in Warnings "$errors"
    expect_in "step  remember in work" "$errors"
}

@test "nothing to judge passes, unless --strict" {
    both tidemark run -o t.tmk true
    expect_status 0
    [ "$(last)" = "tidemark: nothing-judged (exit 0, from verdict)" ]
    both tidemark run --strict -o t.tmk true
    expect_status 12
}

@test "--leak-exitcode" {
    leaky
    both tidemark run --leak-exitcode 99 -o t.tmk ./leaky leak
    expect_status 99
}

@test "rules and patterns that can't be used are told before the program runs" {
    printf '[phase]\nmax-size = 1M\n' >wrong.ini
    for option in --budget=wrong.ini --suppressions=missing --baseline=missing --phase-by-function='a=[' --sort=size \
        --site='(' --leak-exitcode=256 --update-baseline "--json=- --junit=-"; do
        # shellcheck disable=SC2086
        both tidemark run $option -o t.tmk touch started
        expect_status 125
        [ -n "$errors" ]
        [ ! -e started ]
    done
}

@test "a program that can't be recorded: 13, or its own failure" {
    program static -static <<<'int main(int argc, char **argv) { (void)argv; return argc - 1; }'
    both tidemark run -o t.tmk ./static
    expect_status 13
    [ "$(last)" = "tidemark: not recorded (exit 13, from verdict)" ]
    both tidemark run -o t.tmk ./static x
    expect_status 1
    [ "$(last)" = "tidemark: not recorded (exit 1, from CMD)" ]
}

@test "missing and not executable programs" {
    both tidemark run no-such-program
    expect_status 127
    echo >file
    both tidemark run ./file
    expect_status 126
}

@test "where the trace can't be written, it is said how to write it elsewhere" {
    both tidemark run -o missing/t.tmk /bin/true
    expect_status 125
    expect_in "missing/t.tmk: No such file or directory; -o FILE writes the trace elsewhere" "$errors"
}

@test "a daemon that goes on after its parent: the verdict says that it does, and counts what it does later" {
    program lives_on <<'C'
#include <stdlib.h>
#include <unistd.h>
#include "tidemark.h"
static void *kept[20];
__attribute__((noinline)) static void *grab(int i) { return kept[i] = malloc(1000); }
int main(void) {
    int ends[2];
    char ready;
    if (pipe(ends) != 0) return 1;
    if (fork() != 0) return read(ends[0], &ready, 1) == 1 ? 0 : 1;
    free(grab(0)); /* from now on it has a trace */
    if (setsid() < 0 || write(ends[1], "x", 1) != 1) return 1;
    close(0), close(1), close(2);
    while (access("go", F_OK) != 0) usleep(1000);
    for (int i = 0; i < 20; i++) {
        tidemark_phase_begin("work");
        grab(i);
        tidemark_phase_end("work");
    }
    tidemark_mark("done");
    return 0;
}
C
    both tidemark run -o t.tmk ./lives_on 3>&-
    expect_status 0
    expect_in "1 recorded process still runs" "$errors"
    [ "$(tail -n 1 <<<"$errors")" = "tidemark: nothing-judged (exit 0, from verdict)" ]
    touch go
    ended() { tidemark info t.tmk.d/*.tmk | grep -q '^end  *recorded'; }
    until_true ended
    both tidemark check t.tmk
    expect_status 10
    both tidemark run -o t.tmk /bin/true
    fails grep -q "still run" <<<"$errors"
}

@test "outputs are written in the same run" {
    leaky
    both tidemark run -q --json r.json --junit r.xml --markdown r.md -o t.tmk ./leaky leak
    expect_status 10
    [ "$(jq -r .verdict.result r.json)" = leak ]
    [ "$(jq -r .verdict.exit_code r.json)" = 10 ]
    xmllint --noout r.xml
    [ -s r.md ]
}

@test "a limit that is passed ends the target by SIGTERM, and the verdict says so" {
    program greedy <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    for (int i = 0; i < 1000; i++) {
        memset(malloc(1 << 20), 1, 1 << 20);
        usleep(1000);
    }
    return 0;
}
C
    export TIDEMARK_STOP_ABOVE=rss=50M
    both tidemark run -o t.tmk ./greedy
    expect_status 143
    expect_in "stopped at a limit: rss" "$errors"
    [ "$(last)" = "tidemark: budget (exit 143, from CMD)" ]
}
