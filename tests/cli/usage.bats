#!/usr/bin/env bats
# What every command has in common: help, version, wrong use.
load helper

commands() { tidemark --rows | awk -F '\t' '$1 == "command" { print $2 }'; }

@test "all commands of the interface are there" {
    for name in run record report check diff budget export info dump repair bundle mark watch; do
        commands | grep -qx "$name" || { echo "missing: $name"; return 1; }
    done
}

@test "the overview names every command" {
    both tidemark --help
    expect_status 0
    for name in $(commands); do expect_in "  $name " "$output"; done
    [ -z "$errors" ]
}

@test "no line of any help is wider than 80 columns" {
    for name in "" $(commands); do
        tidemark $name --help | awk -v name="$name" 'length > 80 { print name ": " $0; bad = 1 } END { exit bad }'
    done
}

@test "no line of any help ends in blanks" {
    for name in "" $(commands); do
        tidemark $name --help | awk -v name="$name" '/ $/ { print name ": [" $0 "]"; bad = 1 } END { exit bad }'
    done
}

@test "--version prints name and version" {
    both tidemark --version
    expect_status 0
    [[ "$output" =~ ^tidemark\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "each command's help lists each of its options" {
    for name in $(commands); do
        both tidemark "$name" --help
        expect_status 0
        expect_in "Usage: tidemark $name" "$output"
        tidemark --rows | awk -F '\t' -v name="$name" '$1 == "option" && $2 == name { print $4 }' |
            while read -r option; do expect_in "--$option" "$output"; done
    done
}

@test "help COMMAND is COMMAND --help" {
    [ "$(tidemark help mark)" = "$(tidemark mark --help)" ]
    [ "$(tidemark help)" = "$(tidemark --help)" ]
}

@test "man pages name what each option takes as the help does" {
    local page command option
    "$ROOT/scripts/man" "$TIDEMARK" man
    while IFS=$'\t' read -r command option; do
        page=$(sed 's/\\f[BRI]//g; s/\\-/-/g' "man/tidemark-$command.1")
        expect_in "--$option" "$page"
    done < <(tidemark --rows | awk -F '\t' '$1 == "option" && $6 != "" && $6 !~ /^\[/ {print $2 "\t" $4 "=" $6}')
}

@test "without a command: usage on stderr, status 2" {
    both tidemark
    expect_status 2
    [ -z "$output" ]
    expect_in "Usage: tidemark" "$errors"
}

@test "an unknown command is wrong use" {
    both tidemark prognosticate
    expect_status 2
    expect_in "'prognosticate' is not a tidemark command" "$errors"
}

@test "an unknown option is wrong use: 2, and 125 for run and record" {
    for name in $(commands); do
        both tidemark "$name" --no-such-option x y
        case $name in run | record) expect_status 125 ;; *) expect_status 2 ;; esac
        expect_in "--no-such-option" "$errors"
        [ -z "$output" ]
    done
}

@test "missing arguments are wrong use" {
    for name in $(commands); do
        both tidemark "$name"
        case $name in run | record) expect_status 125 ;; *) expect_status 2 ;; esac
        expect_in "missing argument" "$errors"
    done
}

@test "too many arguments are wrong use" {
    both tidemark diff a b c
    expect_status 2
    expect_in "too many arguments, from 'c' on" "$errors"
}

@test "values are checked, and the message says what is expected" {
    while read -r option value expected; do
        both tidemark report "--$option=$value" trace.tmk
        expect_status 2
        expect_in "--$option: '$value' is not $expected" "$errors"
    done <<'ROWS'
min-size 12x a size such as 64k
max-size -1 a size such as 64k
from soon a time such as 10ms
to 5parsecs a time such as 10ms
top many a whole number
points 1.5 a number of points from 2
points 1 a number of points from 2
points 10000000000 a number of points from 2
sort size one of live, peak
site ( an extended regular expression
leak-exitcode 256 an exit status from 0 to 255
lifetime 10s two times such as 1ms..10s
lifetime 2s..1s two times such as 1ms..10s
phase load#zero a pattern
phase load#0 a pattern
warm-up 120% a number of rounds or a share
color sometimes one of auto, always, never
ROWS
    both tidemark report --min-size 99999999999T trace.tmk
    expect_status 2
    expect_in "is too large" "$errors"
}

@test "one output alone can go to stdout" {
    both tidemark report --json - --markdown - trace.tmk
    expect_status 2
    [ "$errors" = "tidemark: only one output can go to stdout" ]
    both tidemark check --sarif - --github trace.tmk
    expect_status 2
}

@test "output that can't be written is an error" {
    [ -w /dev/full ] || skip "no /dev/full"
    for words in --rows --version --help "report --help" "report --version"; do
        both sh -c '"$0" $1 >/dev/full' "$TIDEMARK" "$words"
        expect_status 4
        [ "$errors" = "tidemark: cannot write to stdout: No space left on device" ]
    done
}

@test "why an output can't be written is said once: the text, each file, each export" {
    [ -w /dev/full ] || skip "no /dev/full"
    tidemark record -q -o t.tmk /bin/ls >/dev/null
    both sh -c '"$0" report t.tmk >/dev/full' "$TIDEMARK"
    expect_status 4
    [ "$errors" = "tidemark: cannot write to stdout: No space left on device" ]
    for format in json html markdown junit sarif; do
        both tidemark report t.tmk --$format /dev/full
        expect_status 4
        [ "$errors" = "tidemark: /dev/full: can't be written: No space left on device" ]
    done
    for format in folded pprof massif speedscope callgrind heaptrack perfetto openmetrics; do
        both tidemark export t.tmk --format $format -o /dev/full
        expect_status 4
        [ "$errors" = "tidemark: /dev/full: can't be written: No space left on device" ]
    done
}

@test "what is after its end, or matches nothing, is said" {
    tidemark record -q -o t.tmk sh -c ':'
    both tidemark report t.tmk --from 5m --to 1s
    expect_status 2
    [ "$errors" = "tidemark: --from is after --to: nothing lies between them" ]
    both tidemark report t.tmk --min-size 2k --max-size 1k
    expect_status 2
    both tidemark report t.tmk --phase 'no*'
    expect_status 0
    [ "$errors" = "tidemark: no phase matches --phase 'no*'" ]
    both tidemark report t.tmk --phase 'run#2'
    [ "$errors" = "tidemark: no phase that matches --phase 'run' has a round 2" ]
    both tidemark report t.tmk --phase 'run#1' --thread sh
    [ -z "$errors" ]
    both tidemark report t.tmk --thread none
    [ "$errors" = "tidemark: no block that is shown is of a thread 'none'" ]
    both tidemark report t.tmk --site '^none$'
    [ "$errors" = "tidemark: no call site matches --site '^none\$'" ]
    both tidemark report t.tmk --from 1s --to 5m --min-size 1k --max-size 2k
    [ -z "$errors" ]
    both tidemark export t.tmk
    expect_status 2
    expect_in "folded, pprof, " "$errors"
}

@test "no output is written over a trace" {
    tidemark record -q -o t.tmk true
    cp t.tmk kept
    for command in "report t.tmk --json" "report t.tmk --html" "check t.tmk --junit" "export t.tmk -f csv -o" \
        "export t.tmk -f sqlite -o" "diff t.tmk t.tmk --json" "budget t.tmk -o" "bundle t.tmk -o"; do
        # shellcheck disable=SC2086
        both tidemark $command t.tmk
        expect_status 4
        [ "$errors" = "tidemark: t.tmk: is a trace, and not written over" ]
        cmp t.tmk kept
    done
    tidemark bundle -q t.tmk -o t.tmb
    tidemark bundle -q t.tmk -o t.tmb
}
