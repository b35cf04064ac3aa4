#!/usr/bin/env bats
# The recorder's environment: what is understood, and what a bad value costs: one line, and that variable's default.
load helper

preloaded() { both env LD_PRELOAD="$BUILD/libtrace.so" "$@"; }

@test "a bad value costs one line on stderr, and recording goes on" {
    while read -r name value default; do
        rm -f ./*.tmk
        preloaded "$name=$value" true
        expect_status 0
        [ "$errors" = "tidemark: $name=$value is not understood; using $default" ] || {
            echo "$name=$value: $errors"
            return 1
        }
        [ "$(ls)" = "$(ls tidemark.true.*.tmk)" ]
    done <<'ROWS'
TIDEMARK_OUT folder/ tidemark.%e.%p.tmk
TIDEMARK_OUT %q.tmk tidemark.%e.%p.tmk
TIDEMARK_OUT t% tidemark.%e.%p.tmk
TIDEMARK_OUT %r.tmk tidemark.%e.%p.tmk
TIDEMARK_FOLLOW 2 1
TIDEMARK_DEPTH 0 256
TIDEMARK_DEPTH -1 256
TIDEMARK_DEPTH 99999999999999999999 256
TIDEMARK_DEPTH 12x 256
TIDEMARK_INTERVAL 10 10ms
TIDEMARK_INTERVAL 0ms 10ms
TIDEMARK_INTERVAL 10parsecs 10ms
TIDEMARK_INTERVAL 99999999999h 10ms
TIDEMARK_LEVEL 10 1
TIDEMARK_WRITER Thread thread
TIDEMARK_MAX_SIZE 5Z none
TIDEMARK_MAX_SIZE 1.M none
TIDEMARK_MAX_SIZE 99999999999T none
TIDEMARK_START OFF on
TIDEMARK_CHECK_STACKS -1 0
TIDEMARK_STOP_ABOVE rss none
TIDEMARK_STOP_ABOVE rss=0 none
TIDEMARK_STOP_ABOVE concurrent=0 none
TIDEMARK_STOP_ABOVE time=0s none
TIDEMARK_STOP_ABOVE rss=1G,foo=1 none
TIDEMARK_STOP_ABOVE growth=10M none
TIDEMARK_VERBOSE 2 0
ROWS
    preloaded TIDEMARK_LEVEL= true
    [ "$errors" = "tidemark: TIDEMARK_LEVEL= is not understood; using 1" ]
}

@test "values at their ends, the defaults' own names, and sizes as on the command line" {
    for setting in TIDEMARK_DEPTH=1 TIDEMARK_DEPTH=65536 TIDEMARK_INTERVAL=1ms TIDEMARK_INTERVAL=1.5s TIDEMARK_LEVEL=0 \
        TIDEMARK_LEVEL=9 TIDEMARK_MAX_SIZE=none TIDEMARK_MAX_SIZE=1.5g TIDEMARK_MAX_SIZE=512MiB TIDEMARK_MAX_SIZE=2TB \
        TIDEMARK_STOP_ABOVE=none TIDEMARK_STOP_ABOVE=rss=900GB,growth=90g/s,time=5m,cpu=900%,concurrent=50 \
        TIDEMARK_OUT=%e-%p-%%.tmk; do
        preloaded $setting true
        expect_status 0
        [ -z "$errors" ] || {
            echo "$setting: $errors"
            return 1
        }
    done
    [ -n "$(ls true-*-%.tmk)" ]
}

# A build of hundreds of programs says it once.
@test "a bad value is told by the first program alone, and is not handed on" {
    preloaded TIDEMARK_DEPTH=many TIDEMARK_LEVEL=9 TIDEMARK_OUT=%z sh -c 'env; sh -c "true; env" >inner; true'
    expect_status 0
    [ "$(wc -l <<<"$errors")" -eq 2 ]
    [ "$(grep -c '^TIDEMARK_\(DEPTH\|LEVEL\)=' <<<"$output")" -eq 1 ]
    [ "$(grep '^TIDEMARK_OUT=' inner)" = "TIDEMARK_OUT=$PWD/tidemark.%e.%p.tmk" ]
    [ "$(ls tidemark.sh.*.tmk | wc -l)" -eq 2 ]
}

@test "a trace that can't be made: silent, said why where it is asked for, and in words" {
    for place in /proc/none/%p.tmk:"there is no such folder" /proc/%p.tmk:"there is no such folder"; do
        both env TIDEMARK_OUT="${place%%:*}" LD_PRELOAD="$BUILD/libtrace.so" echo said
        [ "$output" = said ]
        [ -z "$errors" ]
        both env TIDEMARK_VERBOSE=1 TIDEMARK_OUT="${place%%:*}" LD_PRELOAD="$BUILD/libtrace.so" echo said
        [ "$output" = said ]
        expect_in "tidemark: no trace ${place%%%*}" "$errors"
        expect_in ": ${place#*:}" "$errors"
    done
}

# With less than its buffers take nothing would be recorded, and nothing would say why.
@test "the smallest size limit leaves the beginning of a recording, and the limit is named" {
    program many <<'C'
#include <stdlib.h>
int main(void) {
    static char *kept[4096];
    for (unsigned i = 0, at = 1; i < 400000; i++) {
        at = at * 1103515245 + 12345;
        char **block = &kept[at >> 8 & 4095];
        free(*block);
        *block = malloc((at >> 4) % 5000 + 1);
    }
    return 0;
}
C
    preloaded TIDEMARK_MAX_SIZE=64k TIDEMARK_OUT=t.tmk ./many
    expect_status 0
    [ -z "$errors" ]
    [ "$(stat -c %s t.tmk)" -le $((2 << 20)) ]
    both tidemark info --verify t.tmk
    expect_status 0
    expect_in " events, the size limit" "$output"
    [ "$(sed -n 's/^replayed *\([0-9]*\) events,.*/\1/p' <<<"$output")" -gt 10000 ]
    both tidemark report t.tmk
    expect_in "its size limit was reached" "$output"
}

@test "record and run say that TIDEMARK_OUT names no trace of theirs" {
    both env TIDEMARK_OUT=mine.tmk "$TIDEMARK" record true
    expect_in "TIDEMARK_OUT is for LD_PRELOAD alone; here -o FILE names the trace" "$errors"
    [ ! -e mine.tmk ]
    both env TIDEMARK_OUT=mine.tmk "$TIDEMARK" record -o t.tmk true
    [[ "$errors" != *TIDEMARK_OUT* ]]
    both tidemark record -o t.tmk "$TIDEMARK" record true
    [[ "$errors" != *TIDEMARK_OUT* ]]
}
