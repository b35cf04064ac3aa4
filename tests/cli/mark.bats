#!/usr/bin/env bats
# tidemark mark: from outside, to a running target.
load helper

target() {
    program target -pthread <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    puts("ready");
    while (access("stop", F_OK) != 0) {
        for (int i = 0; i < 1000; i++) free(malloc(100));
        usleep(1000);
    }
    return 0;
}
C
}

start() {
    target
    "$TIDEMARK" record -q "$@" -o t.tmk ./target >out 3>&- &
    launcher=$!
    until_true grep -q ready out
    pid=$(pgrep -P "$launcher" -x target)
}

finish() {
    touch stop
    wait "$launcher"
}

@test "a mark and a phase are in the trace, under their names and in order" {
    start
    tidemark mark "$pid" "the moment"
    tidemark mark "$pid" --begin load
    tidemark mark "$pid" --end load
    finish
    [ "$(records t.tmk | grep '^request' | sed -E 's/.*command=([0-9]+).*name=/\1 /')" = '1 "the moment"
2 "load"
3 "load"' ]
    [ "$(tidemark report t.tmk --json - | jq -r '.marks[] | "\(.name) \(.process_index) \(.t > 0)"')" = "the moment 0 true" ]
    tidemark report t.tmk | grep -A1 '^Marks$' | grep -Eq '^  [0-9.]+ .?s +the moment$'
}

@test "recording is turned off and on" {
    start
    both tidemark mark "$pid" --off
    expect_status 0
    [ -z "$errors" ]
    both tidemark mark "$pid" --on
    expect_status 0
    [ -z "$errors" ]
    finish
}

@test "what is released while recording is off is not live afterwards" {
    program blocks <<'C'
#include <stdio.h>
#include <stdlib.h>
static void *kept[100];
int main(void) {
    char line[16];
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 100; i++) kept[i] = malloc(200);
        puts("allocated");
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin)) return 1;
        for (int i = 0; i < 100; i++) free(kept[i]);
        puts("released");
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin)) return 1;
    }
    return 0;
}
C
    mkfifo in
    "$TIDEMARK" record -q -o t.tmk ./blocks <in >out 3>&- &
    launcher=$!
    exec 9>in
    until_true grep -q allocated out
    target=$(pgrep -P "$launcher" -x blocks)
    tidemark mark "$target" --off
    echo >&9
    until_true grep -q released out
    tidemark mark "$target" --on
    echo >&9 # the second hundred, at the same addresses
    until_true bash -c '[ "$(grep -c allocated out)" -eq 2 ]'
    echo >&9
    echo >&9
    exec 9>&-
    wait "$launcher"
    tidemark report t.tmk --json t.json >t.txt
    jq -e '.trace.impossible_events == 0 and any(.sites[]; .allocations == 200 and .live_blocks_end == 0)' t.json >ok.txt || {
        jq -c '.trace, [.sites[] | [.function, .allocations, .live_blocks_end]]' t.json
        return 1
    }
}

@test "--stop ends the target, and the trace says that it was asked to" {
    start
    both tidemark mark "$pid" --stop
    expect_status 0
    run wait "$launcher"
    until_true bash -c "! kill -0 $launcher 2>/dev/null"
    records t.tmk | grep -q '^request .*command=6 '
}

# Its /proc entry looks like a zombie's then.
@test "a process whose first thread has ended is marked, and its memory is still seen" {
    program target -pthread <<'C'
#include "first_thread.h"
#include <pthread.h>
static void *go_on(void *unused) {
    wait_until_first_thread_ended();
    memset(malloc(30 << 20), 1, 30 << 20);
    for (int i = 0; i < 30; i++) {
        usleep(10000);
        free(malloc(100));
    }
    puts("ready");
    fflush(stdout);
    while (access("stop", F_OK) != 0) usleep(1000);
    return unused;
}
int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, go_on, NULL)) return 1;
    pthread_exit(NULL);
}
C
    for launched in record bare; do
        rm -f stop out t.tmk
        if [ "$launched" = record ]; then
            "$TIDEMARK" record -q -o t.tmk ./target >out 3>&- &
        else
            LD_PRELOAD=$BUILD/libtrace.so TIDEMARK_OUT=t.tmk ./target >out 3>&- &
        fi
        launcher=$!
        until_true grep -q ready out
        pid=$(pgrep -P "$launcher" -x target || echo "$launcher")
        both tidemark mark "$pid" "on it goes"
        expect_status 0
        finish
        [ "$(tidemark report t.tmk --json - | jq -r '.marks[].name')" = "on it goes" ]
        # What it has at the end, too: the samples do not stop when the first thread does.
        [ "$(tidemark report t.tmk --json - | jq '.processes[0].peak_rss_bytes > 30e6 and .curve[-1].rss_bytes > 30e6')" = true ]
    done
}

@test "no such process: 3" {
    sleep 0 &
    wait $!
    both tidemark mark $! x
    expect_status 3
    expect_in "no such process" "$errors"
}

@test "a process that is not recorded: 3" {
    sleep 100 3>&- &
    both tidemark mark $! x
    kill $!
    expect_status 3
    expect_in "not being recorded" "$errors"
}

@test "a process that maps what we may only read, as many map a file of the C library, is no other user's" {
    program reader <<'C'
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, open("list", O_RDONLY), 0) == MAP_FAILED) return 1;
    return write(1, "up\n", 3) == 3 ? pause() : 1;
}
C
    echo text >list
    chmod 444 list
    local plain=()
    [ "$(id -u)" -ne 0 ] || plain=(setpriv --bounding-set=-dac_override --inh-caps=-dac_override)
    "${plain[@]}" ./reader >out 3>&- &
    until_true grep -q up out
    both "${plain[@]}" "$TIDEMARK" mark $! x
    kill $!
    expect_status 3
    expect_in "not being recorded" "$errors"
}

@test "wrong use: 2" {
    for line in "12 a b" "12" "12 a --on" "12 --on --off" "x name" "0 name" "-- -5 name"; do
        both tidemark mark $line
        expect_status 2
    done
    both tidemark mark 12 "$(printf 'n%.0s' $(seq 256))"
    expect_status 2
    expect_in "255" "$errors"
}
