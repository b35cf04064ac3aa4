# Shared by the command-line tests: where the build is, an empty folder for each test, and a few checks.
BUILD=${BUILD:-$(cd "$BATS_TEST_DIRNAME/../../build" && pwd)}
TIDEMARK=${TIDEMARK:-$BUILD/tidemark}
ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

# Names of code are kept for the run, not in the user's home.
export XDG_CACHE_HOME=${BATS_RUN_TMPDIR:-${BATS_TMPDIR:-/tmp}}/cache

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    unset LD_PRELOAD NO_COLOR COLUMNS "${!TIDEMARK_@}"
}

tidemark() { "$TIDEMARK" "$@"; }

# The records of a trace, as the independent decoder sees them: "record NAME field=value ...".
records() { python3 "$ROOT/tests/decode.py" "$1" | sed -n 's/^record //p'; }

# Runs and keeps stdout in $output, stderr in $errors, the exit status in $status.
both() {
    status=0
    "$@" >"$BATS_TEST_TMPDIR/.stdout" 2>"$BATS_TEST_TMPDIR/.stderr" || status=$?
    output=$(cat "$BATS_TEST_TMPDIR/.stdout")
    errors=$(cat "$BATS_TEST_TMPDIR/.stderr")
}

expect_status() {
    [ "$status" -eq "$1" ] && return
    printf 'exit status %s instead of %s\nstdout: %s\nstderr: %s\n' "$status" "$1" "$output" "$errors"
    return 1
}

expect_in() {
    [[ "$2" == *"$1"* ]] && return
    printf 'not found: %s\nin: %s\n' "$1" "$2"
    return 1
}

# For what must not succeed; `!` alone would not end a test.
fails() { if "$@"; then return 1; fi; }

# Builds a program from C on stdin; it may include tidemark.h and the headers beside this file.
program() {
    local name=$1
    shift
    gcc -g -O0 -I "$ROOT/include" -I "$ROOT/tests/cli" -x c - -o "$name" "$@"
}

# What a page has become, in dom, and what the browser says, in log; until a line of the page matches: on a busy machine the
# page's scripts need more of the time that it believes to have.
browse() { # URL PATTERN [OPTION...]
    local url=$1 pattern=$2 budget
    shift 2
    command -v chromium >/dev/null || skip "chromium is missing"
    for budget in 2000 20000 100000; do
        timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run \
            --user-data-dir="$PWD/profile" --enable-logging=stderr --virtual-time-budget=$budget "$@" --dump-dom "$url" >dom 2>log 3>&- || true
        if grep -qE -- "$pattern" dom; then return 0; fi
    done
    echo "never drawn: $pattern"
    return 1
}

# Waits until a condition holds, at most a minute.
until_true() {
    local tries
    for tries in $(seq 1200); do
        "$@" && return 0
        sleep 0.05
    done
    echo "never became true: $*"
    return 1
}
