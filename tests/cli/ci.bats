#!/usr/bin/env bats
# scripts/ci: the pieces for CI servers, each run as the server would run it.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    gcc -O1 -g -I"$BATS_TEST_DIRNAME/../../include" "$BATS_TEST_DIRNAME/../../samples/quickstart/quickstart.c" -o quickstart
}

ci() { TIDEMARK=$TIDEMARK "$ROOT/scripts/ci/tidemark-ci" "$@"; }

clean() { echo "$BATS_FILE_TMPDIR/quickstart"; }

# As on a GitHub runner.
on_github() {
    export GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=$PWD/step-summary GITHUB_OUTPUT=$PWD/step-output
    echo "# an earlier step" >step-summary
    : >step-output
}

@test "plain shell: a clean program passes and every report is there" {
    both ci -q "$(clean)"
    expect_status 0
    [ "$output" = "served 20000 requests in 20 rounds" ]
    [ "$(cat tidemark-report/result)" = "pass 0" ]
    for file in trace.tmk report.json report.html junit.xml tidemark.sarif summary.md; do [ -s "tidemark-report/$file" ]; done
    xmllint --noout tidemark-report/junit.xml
    [ "$(jq -r '.runs[0].results | length' tidemark-report/tidemark.sarif)" -eq 0 ]
}

@test "plain shell: exit statuses of leak, budget, inconclusive, of CMD, of a missing CMD" {
    both ci -q "$(clean)" --leak
    expect_status 10
    [ "$(cat tidemark-report/result)" = "leak 10" ]
    printf '[run]\nmax-live = 10k\n' >tight.budget
    both ci -q --budget=tight.budget "$(clean)"
    expect_status 11
    [ "$(cat tidemark-report/result)" = "budget 11" ]
    both ci -q --min-rounds=50 "$(clean)"
    expect_status 12
    both ci -q sh -c '"$0" --leak; exit 3' "$(clean)"
    expect_status 3
    [ "$(cat tidemark-report/result)" = "leak 3" ]
    both ci -q ./no-such-program
    expect_status 127
    [ "$(cat tidemark-report/result)" = "not-judged 127" ]
    [ ! -e tidemark-report/summary.md ]
}

@test "another folder, named by TIDEMARK_REPORTS, which the recorder does not take for its own" {
    export TIDEMARK_REPORTS=memory/reports
    both ci -q env
    [ -s memory/reports/summary.md ]
    fails grep -q '^TIDEMARK_REPORTS=' <<<"$output"
    [[ "$errors" != *TIDEMARK_REPORTS* ]]
}

@test "GitHub: annotations, step summary, outputs" {
    on_github
    both ci -q "$(clean)" --leak
    expect_status 10
    [ "$(grep -c '^::error file=.*quickstart.c,line=[0-9]*,title=leak::remember_visitor grows in requests' <<<"$output")" -eq 1 ]
    [ "$(head -n 1 step-summary)" = "# an earlier step" ]
    grep -q '^## Tidemark: leak' step-summary
    [ "$(cat step-output)" = $'result=leak\nexit-status=10\nreports=tidemark-report' ]
}

# The text that a YAML file holds below these keys; SKIPs without a parser.
yaml() { # FILE, KEY...
    /usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "no python3-yaml"
    /usr/bin/python3 -c '
import sys, yaml
value = yaml.safe_load(open(sys.argv[1]))
for key in sys.argv[2:]: value = value[int(key) if isinstance(value, list) else key]
print(value)' "$@"
}

@test "GitHub: the action's own step, with its inputs" {
    yaml "$ROOT/scripts/ci/github/action.yml" runs steps 0 run >step.sh
    on_github
    mkdir action bin
    cp "$ROOT/scripts/ci/tidemark-ci" action/
    ln -s "$TIDEMARK" bin/tidemark
    printf '[run]\nmax-live = 10k\n' >tight.budget
    export PATH=$PWD/bin:$PATH ACTION=$PWD/action OPTIONS="-q --strict" BASELINE= COMMAND="$(clean) --leak | cat"
    BUDGET='' both bash --noprofile --norc -eo pipefail step.sh
    expect_status 10
    grep -q '^result=leak$' step-output
    BUDGET=tight.budget COMMAND="$(clean)" both bash --noprofile --norc -eo pipefail step.sh
    expect_status 11
    grep -q '^result=budget$' step-output
}

@test "GitHub: inputs reach the shell by the environment only, and every input is declared" {
    for file in action.yml workflow.yml; do yaml "$ROOT/scripts/ci/github/$file" >/dev/null; done
    [[ "$(yaml "$ROOT/scripts/ci/github/action.yml" runs steps 0 run)" != *'${{'* ]]
    for name in $(grep -oE 'inputs\.[a-z-]+' "$ROOT/scripts/ci/github/action.yml" | cut -d. -f2 | sort -u); do
        yaml "$ROOT/scripts/ci/github/action.yml" inputs "$name" >/dev/null
    done
    for name in run options budget upload-sarif; do
        [ -n "$(yaml "$ROOT/scripts/ci/github/workflow.yml" jobs leaks steps 3 with "$name")" ]
        yaml "$ROOT/scripts/ci/github/action.yml" inputs "$name" >/dev/null
    done
}

@test "GitLab: the job's script, with its variables" {
    yaml "$ROOT/scripts/ci/gitlab.yml" .tidemark script 0 >step.sh
    [ "$(yaml "$ROOT/scripts/ci/gitlab.yml" .tidemark artifacts reports junit)" = '$TIDEMARK_REPORTS/junit.xml' ]
    mkdir bin
    ln -s "$TIDEMARK" bin/tidemark
    ln -s "$ROOT/scripts/ci/tidemark-ci" bin/
    export PATH=$PWD/bin:$PATH TIDEMARK_REPORTS=out OPTIONS="-q --top 5" COMMAND="$(clean) --leak"
    both sh -e step.sh
    expect_status 10
    grep -q remember_visitor out/junit.xml
    COMMAND=$(clean) both sh -e step.sh
    expect_status 0
}
