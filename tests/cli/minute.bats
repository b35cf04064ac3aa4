#!/usr/bin/env bats
# README's minute from a leaking program to a failing CI job: its commands, as they stand there, in an empty folder.
load helper

@test "README's commands lead from a leaking program to a failing CI job" {
    sed -n '/^<!-- minute -->$/,/^<!-- \/minute -->$/{/^<!--/d;s/^    //p}' "$ROOT/README.md" >minute
    [ "$(wc -l <minute)" -ge 5 ]
    mkdir empty bin
    ln -s "$TIDEMARK" bin/tidemark
    cd empty
    both env LC_ALL=C TIMEFORMAT='%U %S' SOURCE="$ROOT" PATH="$BATS_TEST_TMPDIR/bin:$PATH" bash -c 'time bash ../minute'
    # Processor time: what else the machine does takes no part in it.
    tail -n 1 <<<"$errors" | awk '{ print; exit !($1 + $2 > 0 && $1 + $2 < 60) }'
    expect_in "the job ended with 10" "$output"
    is_in_order() { [ "$(grep -o 'tidemark: \(pass\|leak\) (exit [0-9]*, from verdict)' <<<"$errors")" = "$1" ]; }
    is_in_order "tidemark: pass (exit 0, from verdict)
tidemark: leak (exit 10, from verdict)
tidemark: leak (exit 10, from verdict)"
    expect_in "remember_visitor" "$errors"
    for report in junit.xml tidemark.sarif summary.md report.html report.json trace.tmk; do [ -s "tidemark-report/$report" ]; done
}
