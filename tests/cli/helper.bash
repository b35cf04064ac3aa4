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

# Builds a program from C on stdin.
program() {
    local name=$1
    shift
    gcc -g -O0 -I "$ROOT/include" -x c - -o "$name" "$@"
}

# Writes first_ended.h, for a program in C with -pthread: go_on_without_first(what) runs what() in a second thread, once the first
# has ended and stands for its process as a zombie.
first_ended_header() {
    cat >first_ended.h <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void (*to_do)(void);
static void *go_on(void *unused) {
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
    while (!strstr(text, ") Z")) {
        FILE *file = fopen(path, "r");
        if (!file || !fgets(text, sizeof text, file)) abort();
        fclose(file);
    }
    to_do();
    return unused;
}
static inline void go_on_without_first(void (*what)(void)) {
    pthread_t thread;
    to_do = what;
    if (pthread_create(&thread, NULL, go_on, NULL)) abort();
    pthread_exit(NULL);
}
C
}

# Writes taken.h, for a program in C or C++ whose phases come from its output, which goes to the file PASSED_ON: all_taken()
# returns once the edges of all lines so far have been posted. What was read is passed on first and looked at then, so that
# the second line is there only when all before the first have been looked at. Alone it does nothing but print the two. It
# allocates nothing.
taken_header() {
    cat >taken.h <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static inline void wait_until_passed_on(const char *line) {
    static char text[1 << 16];
    const char *path = getenv("PASSED_ON");
    if (path) do {
        usleep(500);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = read(file, text, sizeof text - 1);
        if (length < 0) abort();
        text[length] = 0;
        close(file);
    } while (!strstr(text, line));
}
static inline void all_taken(void) {
    static int times;
    for (int i = 0; i < 2; i++) {
        char line[32];
        snprintf(line, sizeof line, "taken %d\n", ++times);
        fputs(line, stdout);
        fflush(stdout);
        wait_until_passed_on(line);
    }
}
C
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
