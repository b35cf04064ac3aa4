#!/usr/bin/env bats
# Bad and unfinished traces: one clear line and status 3, or all that is good is used and what is missing is said.
load helper

readers="report check info dump"

small_trace() { "$TIDEMARK" record -q -o "$1" sh -c 'for i in 1 2 3 4 5 6 7 8; do :; done; exit 0'; }

refused() { # FILE, words of the message
    for name in $readers; do
        both tidemark "$name" "$1"
        expect_status 3 || { echo "($name)"; return 1; }
        [ "$(wc -l <<<"$errors")" -eq 1 ] || { echo "$name says: $errors"; return 1; }
        expect_in "$1" "$errors"
        [ -z "${2:-}" ] || expect_in "$2" "$errors"
        [ -z "$output" ]
    done
}

@test "a file that is not there" { refused nowhere.tmk; }

@test "an empty file" {
    : >empty.tmk
    refused empty.tmk
}

@test "a text file" {
    cp "$ROOT/README.md" text.tmk
    refused text.tmk
}

@test "a folder without traces" {
    mkdir folder
    refused folder
}

@test "a file that may not be read" {
    [ "$(id -u)" -ne 0 ] || skip "root may read all"
    small_trace t.tmk
    chmod 0 t.tmk
    refused t.tmk
}

# Version numbers are two bytes each: major at 8, minor at 10 (FORMAT.md).
version_at() { od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' '; }
set_version() { printf "\\x$(printf %02x "$3")" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

@test "a trace of a later version, or of an earlier one" {
    small_trace t.tmk
    major=$(version_at t.tmk 8)
    for other in $((major + 1)) $((major - 1)) 255; do
        set_version t.tmk 8 "$other"
        refused t.tmk "found version $other"
    done
}

@test "a later minor version is read: it only adds" {
    small_trace t.tmk
    set_version t.tmk 10 $(($(version_at t.tmk 10) + 1))
    tidemark report t.tmk >/dev/null
    tidemark info --verify t.tmk >/dev/null
}

@test "a trace with a feature that this version does not know" {
    small_trace t.tmk
    printf '\x80' | dd of=t.tmk bs=1 seek=20 conv=notrunc status=none
    refused t.tmk
}

@test "a header alone is refused or explained, never a crash" {
    small_trace t.tmk
    for bytes in 1 7 8 63 64 4096 32767 32768; do
        head -c "$bytes" t.tmk >cut.tmk
        for name in $readers; do
            both tidemark "$name" cut.tmk
            [ "$status" -eq 3 ] || [ "$status" -le 12 ] || { echo "$name at $bytes: $status"; return 1; }
        done
    done
}

@test "a trace cut anywhere: what is whole is used, and it is said" {
    small_trace t.tmk
    size=$(stat -c %s t.tmk)
    for part in 10 30 50 70 90 99; do
        head -c $((size * part / 100)) t.tmk >cut.tmk
        both tidemark report cut.tmk
        [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || { echo "at $part %: $status"; return 1; }
        both tidemark report --json - cut.tmk
        [ "$status" -eq 3 ] || [ "$(jq .trace.complete <<<"$output")" = false ]
    done
}

@test "flipped bits never crash a reader" {
    small_trace t.tmk
    size=$(stat -c %s t.tmk)
    for seed in $(seq 40); do
        cp t.tmk bad.tmk
        for n in 1 2 3; do
            at=$(((seed * 7919 + n * 104729) * 31 % (seed % 2 ? 40000 : size)))
            printf "\\x$(printf %02x $((seed * n % 256)))" | dd of=bad.tmk bs=1 seek=$at conv=notrunc status=none
        done
        for name in report dump; do
            both timeout 20 "$TIDEMARK" "$name" bad.tmk
            [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || { echo "seed $seed, $name: status $status: $errors"; return 1; }
        done
    done
}

@test "a trace that is being written is read as far as it is" {
    "$TIDEMARK" record -q -o t.tmk sleep 30 3>&- &
    until_true pgrep -P $! -x sleep
    pid=$(pgrep -P $! -x sleep)
    until_true test -s t.tmk
    both tidemark report t.tmk
    kill "$pid"
    expect_status 0
    [ -n "$output" ]
}

@test "a killed process leaves a whole trace" {
    both "$TIDEMARK" record -q -o t.tmk sh -c 'kill -KILL $$'
    both tidemark report --json - t.tmk
    expect_status 0
    [ "$(jq -r '.processes[0].exit.kind' <<<"$output")" = signal ]
    [ "$(jq -r '.processes[0].exit.code' <<<"$output")" = 9 ]
    [ "$(jq -r .trace.lost_events <<<"$output")" = 0 ]
}

@test "a tree: the trace with what is beside it, --self without, a folder with all in it" {
    "$TIDEMARK" record -q -o t.tmk sh -c 'ls >/dev/null; ls >/dev/null; :'
    [ "$(tidemark report --json - t.tmk | jq '.processes | length')" -eq 3 ]
    [ "$(tidemark report --self --json - t.tmk | jq '.processes | length')" -eq 1 ]
    [ "$(tidemark report --json - t.tmk.d | jq '.processes | length')" -eq 2 ]
    [ "$(tidemark report --json - t.tmk | jq -r '.processes[0].args[0]')" = sh ]
}

@test "a repaired trace reads as the good part of the damaged one" {
    small_trace t.tmk
    head -c $(($(stat -c %s t.tmk) * 3 / 4)) t.tmk >cut.tmk
    both tidemark repair cut.tmk -o good.tmk
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    [ "$status" -eq 3 ] || tidemark report good.tmk >/dev/null
}

@test "a trace that is named twice, or beside the folder it lies in, is one process" {
    "$TIDEMARK" record -q -o t.tmk sh -c 'ls >/dev/null; ls >/dev/null; :'
    for traces in "t.tmk t.tmk" "t.tmk t.tmk.d" "t.tmk.d t.tmk" "./t.tmk t.tmk $PWD/t.tmk"; do
        # shellcheck disable=SC2086
        both tidemark report --json - $traces
        [ -z "$errors" ]
        [ "$(jq '.processes | length' <<<"$output")" -eq 3 ]
    done
    tidemark bundle t.tmk -o t.tmb
    [ "$(tidemark report --json - t.tmb t.tmb | jq '.processes | length')" -eq 3 ]
}

@test "a folder that can't be read is no empty folder" {
    "$TIDEMARK" record -q -o t.tmk true
    mkdir closed
    mv t.tmk closed
    chmod 0 closed
    if [ -r closed ]; then
        command -v setpriv >/dev/null || skip "root reads everything, and there is no setpriv"
        chmod o+x . .. ../.. 2>/dev/null || true
        as="setpriv --reuid 65534 --regid 65534 --clear-groups"
        $as test -x "$TIDEMARK" && $as test -x "$PWD" || skip "another user can't reach the program or the folder"
    fi
    # shellcheck disable=SC2086
    both ${as:-} "$TIDEMARK" report "$PWD/closed"
    expect_status 3
    expect_in "closed: cannot be read: Permission denied" "$errors"
    chmod 700 closed
}

@test "a trace that comes through a pipe is no damaged one: it is said what to do" {
    tidemark record -q -o t.tmk true
    both bash -c 'cat t.tmk | "$0" report /dev/stdin' "$TIDEMARK"
    expect_status 3
    expect_in "/dev/stdin: is no regular file" "$errors"
    both tidemark info /dev/stdin <t.tmk
    expect_status 0
}
