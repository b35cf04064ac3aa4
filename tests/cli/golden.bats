#!/usr/bin/env bats
# Traces of every format version stay readable, and read the same by both decoders.
load helper

golden() { gunzip -c "$ROOT/tests/golden/$1.tmk.gz" >"$1.tmk"; }

reads_as_expected() {
    golden "$1"
    tidemark dump "$1.tmk" | diff "$ROOT/tests/golden/$1.txt" -
    python3 "$ROOT/tests/decode.py" "$1.tmk" | diff "$ROOT/tests/golden/$1.txt" -
}

json_of() { tidemark report "$1.tmk" --json - -q; }

@test "a closed trace" {
    reads_as_expected plain
    [ "$(json_of plain | jq '.totals.allocations - .totals.frees')" -eq 0 ]
    [ "$(json_of plain | jq '.phases[] | select(.name == "round") | .rounds, .items, .ops[0].failed' | xargs)" = "4 12 1" ]
    [ "$(json_of plain | jq '.trace.complete')" = true ]
}

@test "a trace with two threads, whose frames keep exact stamps" {
    reads_as_expected thread
    [ "$(json_of thread | jq '.trace.impossible_events')" -eq 0 ]
    [ "$(json_of thread | jq '.totals.allocations - .totals.frees')" -ge 0 ]
}

@test "a trace of a process ended by SIGKILL, read from its slots" {
    reads_as_expected kill
    [ "$(json_of kill | jq '.totals.live_bytes_end')" -eq 406 ]
    [ "$(json_of kill | jq '.trace.complete')" = false ]
}

@test "a trace cut anywhere is used as far as it goes" {
    golden plain
    for size in 32768 40000 60000; do
        head -c "$size" plain.tmk >cut.tmk
        both tidemark info cut.tmk
        expect_status 0 || expect_status 3
    done
}

@test "a flipped bit in a payload is found, and all else is used" {
    golden plain
    printf '\xff' | dd of=plain.tmk bs=1 seek=1694100 conv=notrunc status=none
    both tidemark info --verify plain.tmk
    expect_status 3
    both tidemark dump plain.tmk
    expect_in 'record end' "$output"
    [ "$(grep -c '^event' <<<"$output")" -eq 0 ]
}

@test "another major version and an unknown feature are refused" {
    golden plain
    cp plain.tmk version.tmk
    printf '\x01' | dd of=version.tmk bs=1 seek=8 conv=notrunc status=none
    both tidemark info version.tmk
    expect_status 3
    expect_in version "$errors"
    cp plain.tmk feature.tmk
    printf '\x80' | dd of=feature.tmk bs=1 seek=20 conv=notrunc status=none
    both tidemark info feature.tmk
    expect_status 3
}
