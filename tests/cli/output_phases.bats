#!/usr/bin/env bats
# --phase-from-output: phases from what the target prints, and every byte of it passed on.
load helper

names() { tidemark dump --no-events t.tmk | sed -nE 's/^record request .*command=([23]) .*name="(.*)"/\1 \2/p' | sed 's/^2/begin/; s/^3/end/'; }

steps() {
    program steps <<'C'
#include "taken.h"
int main(void) {
    const char *names[] = {"load", "query", "close"};
    for (int i = 0; i < 3; i++) {
        printf("=== %s ===\n", names[i]);
        for (int n = 0; n < 50; n++) free(malloc(1000));
    }
    if (isatty(1)) all_taken();
    return isatty(1);
}
C
}
printed='=== load ===
=== query ===
=== close ==='

# Records with phases from the output; the program may wait for lines to be passed on.
watched() { # PROGRAM...
    PASSED_ON=$BATS_TEST_TMPDIR/.stdout both tidemark record -q -o t.tmk --phase-from-output "$@"
}

@test "lines start phases, through a terminal, and the output is unchanged" {
    steps
    watched '^=== (.*) ===$' ./steps
    expect_status 1
    [ "$output" = "$printed"$'\ntaken 1\ntaken 2' ]
    [ "$(names | grep begin | tr '\n' ' ')" = "begin load begin query begin close " ]
    [ "$(names | grep -c end)" -ge 2 ]
}

# Its /proc entry looks like a zombie's then, to which nothing is posted.
@test "lines of a program whose first thread has ended" {
    program steps -pthread <<'C'
#include "first_thread.h"
#include "taken.h"
#include <pthread.h>
static void *go_on(void *unused) {
    wait_until_first_thread_ended();
    puts("=== load ===");
    puts("=== query ===");
    all_taken();
    return unused;
}
int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, go_on, NULL)) return 1;
    pthread_exit(NULL);
}
C
    watched '^=== (.*) ===$' ./steps
    expect_status 0
    [ "$(names | grep begin | tr '\n' ' ')" = "begin load begin query " ]
}

@test "--no-pty uses a pipe" {
    steps
    both tidemark record -q -o t.tmk --no-pty --phase-from-output '^=== (.*) ===$' ./steps
    expect_status 0
    [ "$output" = "$printed" ]
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
#include "taken.h"
int main(void) {
    puts("running 2 tests");
    for (int i = 0; i < 2; i++) {
        printf("test t::number_%d ... ", i);
        fflush(stdout);
        puts("ok");
    }
    puts("\ntest result: ok. 2 passed; 0 failed");
    all_taken();
    return 0;
}
C
    watched cargo ./tests
    [ "$(names | grep begin | tr '\n' ' ')" = "begin cargo begin t::number_0 begin t::number_1 " ]
}

@test "real TAP, of perl's Test::More" {
    cat >t.pl <<'PERL'
use Test::More tests => 3;
$| = 1;
for my $n (1 .. 3) { my %h; $h{$_} = "x$_" for 1 .. 1000; ok(keys %h, "step $n") }
for my $line ("over", "and out") { # all before the second have been looked at when that is passed on
    print "# $line\n";
    my $text = "";
    while ($text !~ /# $line\n/) { select undef, undef, undef, 0.001; open my $file, "<", $ENV{PASSED_ON}; local $/; $text = <$file> }
}
PERL
    watched tap perl t.pl
    [ "$(wc -l <<<"$output")" -eq 6 ]
    names >named
    [ "$(grep begin named | tr '\n' ' ')" = "begin tap begin test 1 begin test 2 begin test 3 " ]
    [ "$(tail -n 1 named)" = "end tap" ]
}

@test "children hear of the phases too, each in its own trace" {
    steps
    watched '^=== (.*) ===$' sh -c './steps; :'
    mv t.tmk.d/steps.*.tmk t.tmk
    [ "$(names | grep begin | tr '\n' ' ')" = "begin load begin query begin close " ]
}

@test "edges that come faster than the recorder takes them wait, none is dropped" {
    program hurry <<'C'
#include "taken.h"
int main(void) {
    for (int n = 0; n < 500; n++) {
        puts("=== step ===");
        free(malloc(100));
    }
    all_taken();
    return 0;
}
C
    watched '^=== (.*) ===$' ./hurry
    [ "$(grep -c step <<<"$output")" -eq 500 ]
    [ "$(names | grep -c "begin step")" -eq 500 ]
}

@test "the edges are marked approximate" {
    steps
    watched '^=== (.*) ===$' ./steps
    [ "$(records t.tmk | grep '^request' | grep -vc 'flags=8 ')" -eq 0 ]
    records t.tmk | grep -q '^request .*flags=8 '
}

@test "what is neither a preset nor a pattern is our own failure" {
    both tidemark record --phase-from-output '(' true
    expect_status 125
    expect_in "--phase-from-output" "$errors"
}
