#!/usr/bin/env bats
# --phase-from-output: phases from what the target prints, and every byte of it passed on.
load helper

names() { records t.tmk | sed -nE 's/^request .*command=([23]) .*name="(.*)"/\1 \2/p' | sed 's/^2/begin/; s/^3/end/'; }

steps() {
    program steps <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    const char *names[] = {"load", "query", "close"};
    for (int i = 0; i < 3; i++) {
        printf("=== %s ===\n", names[i]);
        for (int n = 0; n < 50; n++) {
            free(malloc(1000));
            usleep(1000);
        }
    }
    return isatty(1);
}
C
}

@test "lines start phases, through a terminal, and the output is unchanged" {
    steps
    both tidemark record -q -o t.tmk --phase-from-output '^=== (.*) ===$' ./steps
    expect_status 1
    [ "$output" = "$(printf '=== load ===\n=== query ===\n=== close ===')" ]
    [ "$(names | grep begin | tr '\n' ' ')" = "begin load begin query begin close " ]
    [ "$(names | grep -c end)" -ge 2 ]
}

@test "--no-pty uses a pipe" {
    steps
    both tidemark record -q -o t.tmk --no-pty --phase-from-output '^=== (.*) ===$' ./steps
    expect_status 0
    [ "$output" = "$(printf '=== load ===\n=== query ===\n=== close ===')" ]
}

@test "every byte is passed on, also without a line end, also much of it" {
    head -c 3000000 /dev/urandom >bytes
    tidemark record -q -o t.tmk --phase-from-output x cat bytes >out
    cmp bytes out
    tidemark record -q -o t.tmk --no-pty --phase-from-output x cat bytes >out
    cmp bytes out
}

@test "a reader that goes away does not leave us hanging" {
    run timeout 20 bash -c '"$0" record -q -o t.tmk --phase-from-output x yes 2>/dev/null | head -n 1' "$TIDEMARK"
    [ "$status" -eq 0 ]
    [ "$output" = y ]
}

@test "a preset: tests of pytest-like output" {
    program tests <<'C'
#include <stdio.h>
#include <unistd.h>
int main(void) {
    puts("running 2 tests");
    for (int i = 0; i < 2; i++) {
        printf("test t::number_%d ... ", i);
        fflush(stdout);
        for (int n = 0; n < 20; n++) usleep(2000), fflush(NULL);
        puts("ok");
    }
    puts("\ntest result: ok. 2 passed; 0 failed");
    for (int n = 0; n < 20; n++) usleep(2000);
    return 0;
}
C
    tidemark record -q -o t.tmk --phase-from-output cargo ./tests >out
    [ "$(names | grep begin | tr '\n' ' ')" = "begin cargo begin t::number_0 begin t::number_1 " ]
}

@test "real TAP, of perl's Test::More" {
    cat >t.pl <<'PERL'
use Test::More tests => 3;
$| = 1;
for my $n (1 .. 3) { my %h; $h{$_} = "x$_" for 1 .. 20000; ok(keys %h, "step $n") }
my %rest; $rest{$_} = "x$_" for 1 .. 50000;
PERL
    tidemark record -q -o t.tmk --phase-from-output tap perl t.pl >out
    [ "$(wc -l <out)" -eq 4 ]
    [ "$(names | grep begin | tr '\n' ' ')" = "begin tap begin test 1 begin test 2 begin test 3 " ]
    [ "$(names | tail -n 1)" = "end tap" ]
}

@test "children hear of the phases too, each in its own trace" {
    steps
    tidemark record -q -o t.tmk --phase-from-output '^=== (.*) ===$' sh -c './steps; :' >out
    mv t.tmk.d/steps.*.tmk t.tmk
    [ "$(names | grep begin | tr '\n' ' ')" = "begin load begin query begin close " ]
}

@test "edges that come faster than the recorder takes them wait, none is dropped" {
    program hurry <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    for (int n = 0; n < 500; n++) {
        puts("=== step ===");
        free(malloc(100));
    }
    return sleep(1);
}
C
    tidemark record -q -o t.tmk --phase-from-output '^=== (.*) ===$' ./hurry >out
    [ "$(wc -l <out)" -eq 500 ]
    [ "$(names | grep -c "begin step")" -eq 500 ]
}

@test "the edges are marked approximate" {
    steps
    tidemark record -q -o t.tmk --phase-from-output '^=== (.*) ===$' ./steps >out || true
    [ "$(records t.tmk | grep '^request' | grep -vc 'flags=8 ')" -eq 0 ]
    records t.tmk | grep -q '^request .*flags=8 '
}

@test "what is neither a preset nor a pattern is our own failure" {
    both tidemark record --phase-from-output '(' true
    expect_status 125
    expect_in "--phase-from-output" "$errors"
}
