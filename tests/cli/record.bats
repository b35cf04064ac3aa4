#!/usr/bin/env bats
# tidemark record: the target behaves as without it, its trace goes where it should, and it ends as the target does.
load helper

@test "ends as the program does" {
    both tidemark record -o t.tmk true
    expect_status 0
    both tidemark record -o t.tmk false
    expect_status 1
    both tidemark record -o t.tmk sh -c 'exit 42'
    expect_status 42
}

@test "dies of the signal that the program died of" {
    both tidemark record -o t.tmk sh -c 'kill -KILL $$'
    expect_status 137
    both tidemark record -o t.tmk sh -c 'kill -SEGV $$'
    expect_status 139
}

@test "a program that is not there: 127, and nothing is left behind" {
    both tidemark record -o t.tmk no-such-program
    expect_status 127
    expect_in "no-such-program: not found" "$errors"
    both tidemark record -o t.tmk ./no-such-program
    expect_status 127
    [ -z "$(ls)" ]
}

@test "a folder where the trace should be stays where it is: 125" {
    mkdir folder
    both tidemark record -o folder true
    expect_status 125
    expect_in "folder: Is a directory" "$errors"
    [ "$(ls)" = folder ]
}

@test "a program that is killed leaves what the writer beside it had no time for" {
    cat >program.c <<'EOF'
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
static void *volatile kept;
__attribute__((noinline)) static void early(int n) { while (n--) kept = malloc(40); }
__attribute__((noinline)) static void late(int n) { while (n--) kept = malloc(24); }
int main(void) {
    early(20000);
    late(12000);
    usleep(400000);
    kill(getpid(), SIGKILL);
}
EOF
    cc -g -O1 -fno-builtin program.c -o program
    both tidemark record -o t.tmk ./program
    expect_status 137
    tidemark report t.tmk --json r.json >/dev/null
    [ "$(jq '.sites[] | select(.function == "late") | .live_blocks_end' r.json)" -eq 12000 ]
}

@test "a program that ends while its threads run leaves no room for their events on the disk" {
    cat >program.py <<'EOF'
import threading, time
started = threading.Barrier(5)
def run():
    bytearray(100_000)
    started.wait()
    time.sleep(60)
for _ in range(4): threading.Thread(target=run, daemon=True).start()
started.wait()
EOF
    tidemark record -o t.tmk python3 program.py
    [ "$(du -k t.tmk | cut -f1)" -lt 400 ]
    tidemark info t.tmk | grep -Eq '^in slots +0 buffers with 0 words, 0 bytes of journal$'
}

@test "a program that can't be executed: 126" {
    echo text >file
    both tidemark record -o t.tmk ./file
    expect_status 126
    both tidemark record -o t.tmk ./
    expect_status 126
    [ ! -e t.tmk.d ]
}

@test "a script whose interpreter is missing: 127" {
    printf '#!/no/such/interpreter\n' >script
    chmod +x script
    both tidemark record -o t.tmk ./script
    expect_status 127
}

@test "a missing recorder is our own failure: 125" {
    both tidemark record --preload ./nowhere.so true
    expect_status 125
    expect_in "the recorder is missing: ./nowhere.so" "$errors"
}

@test "a pipe or a device where the trace should be stays what it is, and so does a folder FILE.old: 125" {
    mkfifo pipe
    both tidemark record -o pipe true
    expect_status 125
    expect_in "pipe: File exists" "$errors"
    [ -p pipe ]
    [ ! -e pipe.old ]
    mkdir t.tmk.old && touch t.tmk t.tmk.old/mine
    both tidemark record -o t.tmk true
    expect_status 125
    [ -e t.tmk.old/mine ]
}

@test "an output folder that is missing is our own failure: 125" {
    both tidemark record -o missing/folder/t.tmk true
    expect_status 125
    expect_in "missing/folder" "$errors"
}

@test "stdin and stdout belong to the program; messages go to stderr" {
    printf 'a\0b\n' | tidemark record -o t.tmk cat >out 2>err
    printf 'a\0b\n' | cmp - out
    grep -q '^tidemark: trace: .*/t.tmk$' err
    both tidemark record -q -o t.tmk true
    [ -z "$output$errors" ]
}

@test "options end at the program" {
    both tidemark record -q -o t.tmk echo --help -o x
    expect_status 0
    [ "$output" = "--help -o x" ]
    both tidemark record -q -o t.tmk -- echo hello
    [ "$output" = hello ]
}

@test "the trace has its name from the program and its pid" {
    both tidemark record sh -c 'echo $$'
    [ -s "tidemark.sh.$output.tmk" ]
    [ ! -e "tidemark.sh.$output.tmk.d" ]
}

@test "the trace is private, whatever the umask" {
    (umask 0 && tidemark record -q -o t.tmk sh -c "ls >/dev/null; exit 0")
    [ "$(stat -c %a t.tmk)" = 600 ]
    [ "$(stat -c %a t.tmk.d/* | sort -u)" = 600 ]
}

@test "links that somebody put where a trace will be are not followed" {
    echo precious >victim
    for link in victim missing; do
        rm -rf t.tmk* alone*
        ln -s "$link" t.tmk
        ln -s "$link" alone.tmk
        tidemark record -q -o t.tmk true
        [ -s t.tmk ]
        [ ! -L t.tmk ]
        env TIDEMARK_OUT="$PWD/alone.tmk" LD_PRELOAD="$BUILD/libtrace.so" true
        [ -s alone.2.tmk ]
        [ -L alone.tmk ]
    done
    [ "$(cat victim)" = precious ]
    [ ! -e missing ]
}

@test "an existing trace and its folder move to .old, and an older .old goes" {
    for i in 1 2 3; do tidemark record -q -o t.tmk sh -c "ls >/dev/null; exit 0"; done
    [ "$(ls -d t.tmk t.tmk.d t.tmk.d.old t.tmk.old)" = "$(ls)" ]
    [ -s t.tmk ]
    [ -s t.tmk.old ]
}

@test "children have traces of their own beside it, with the same run id" {
    tidemark record -q -o t.tmk sh -c 'ls >/dev/null; date >/dev/null'
    ls t.tmk.d/ls.*.tmk t.tmk.d/date.*.tmk
    for trace in t.tmk t.tmk.d/*; do head -c 40 "$trace" | tail -c 16 | od -An -tx1; done | sort -u | wc -l | grep -qx 1
}

@test "the program sees no variable that was not set for it, and whatever it starts belongs to the run" {
    program starts <<'C'
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
int main(void) {
    char *copies[500], *spawned[] = {"sort", "/dev/null", NULL}, *replaced[] = {"wc", "/dev/null", NULL};
    size_t count = 0;
    pid_t child;
    for (char **entry = environ; *entry; entry++, count++) puts(copies[count] = strdup(*entry));
    copies[count] = NULL;
    fflush(stdout);
    setenv("ANOTHER", "1", 1);
    if (system("exec ls . >listed") || pclose(popen("exec date >dated", "r"))) return 1;
    if (posix_spawn(&child, "/usr/bin/sort", NULL, NULL, spawned, copies)) return 2;
    waitpid(child, NULL, 0);
    if ((child = vfork()) == 0) _exit(execl("/bin/cat", "cat", "/dev/null", (char *)NULL));
    waitpid(child, NULL, 0);
    fflush(stdout);
    return execve("/usr/bin/wc", replaced, copies);
}
C
    tidemark record -q -o t.tmk ./starts >out
    ./starts >plain
    diff <(grep -vE '^(LD_PRELOAD|TIDEMARK_OUT|TIDEMARK_WRITER|_)=' out) <(grep -vE '^(LD_PRELOAD|_)=' plain)
    for name in ls date sort cat wc; do ls t.tmk.d/$name.*.tmk; done
    for trace in t.tmk t.tmk.d/*; do head -c 40 "$trace" | tail -c 16 | od -An -tx1; done | sort -u | wc -l | grep -qx 1
    # The same process, one image later.
    records t.tmk | grep -q '^process .* exec=0 '
    records t.tmk.d/wc.*.tmk | grep -q '^process .* exec=1 '
}

@test "the images of a process are numbered, also those of a fork's child" {
    tidemark record -q -o t.tmk sh -c '(ls; exec cat /dev/null) >/dev/null; :'
    records t.tmk.d/sh.*.tmk | grep -q '^process .* exec=0 '
    records t.tmk.d/cat.*.tmk | grep -q '^process .* exec=1 '
}

@test "a program that execs another leaves both traces, and both say how the process ended" {
    run tidemark record -o t.tmk sh -c 'exec ls /nonexistent'
    [ "$status" -eq 2 ]
    [ -s t.tmk ]
    ls t.tmk.d/ls.*.tmk
    for trace in t.tmk t.tmk.d/ls.*.tmk; do records "$trace" | grep -q '^exited kind=1 value=2 '; done
}

@test "the trace says how the process ended" {
    tidemark record -q -o code.tmk sh -c 'exit 42' || true
    records code.tmk | grep -q '^exited kind=1 value=42 resident=[1-9]'
    tidemark record -q -o signal.tmk sh -c 'kill -KILL $$' || true
    records signal.tmk | grep -q '^exited kind=2 value=9 '
}

@test "a percent sign in the name is kept" {
    tidemark record -q -o 'a%p%%b.tmk' sh -c 'ls >/dev/null; :'
    [ -s 'a%p%%b.tmk' ]
    ls 'a%p%%b.tmk.d'/ls.*.tmk
}

@test "other preloaded libraries stay, after ours" {
    gcc -shared -fPIC -x c - -o other.so <<<'int other_library;'
    LD_PRELOAD=$PWD/other.so both tidemark record -q -o t.tmk sh -c 'echo $LD_PRELOAD'
    [[ "$output" == /*libtrace.so:$PWD/other.so ]]
}

@test "the recorder is preloaded by its absolute path from anywhere" {
    ln -s "$TIDEMARK" link
    both ./link record -q -o t.tmk sh -c 'echo $LD_PRELOAD'
    [ "$output" = "$(realpath "$BUILD/libtrace.so")" ]
}

@test "signals sent to tidemark reach the program" {
    program waits <<'C'
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static volatile int got;
static void take(int number) { got = number; }
int main(void) {
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
    for (int i = 0; i < 6; i++) signal(numbers[i], take);
    puts("ready");
    fflush(stdout);
    while (!got) pause();
    return got;
}
C
    for number in 1 2 3 10 12 15; do
        # A shell without job control starts what is in the background with SIGINT and SIGQUIT ignored.
        perl -e '$SIG{INT} = $SIG{QUIT} = "DEFAULT"; exec @ARGV' "$TIDEMARK" record -q -o t.tmk ./waits >out &
        until_true grep -q ready out
        kill -"$number" $!
        wait $! && status=0 || status=$?
        [ "$status" -eq "$number" ]
        rm out
    done
}

@test "a static program runs unrecorded, and it is said why" {
    program static -static <<<'int main(void) { return 5; }'
    both tidemark record -o t.tmk ./static
    expect_status 5
    expect_in "statically linked" "$errors"
    [ ! -e t.tmk ]
}

@test "the dynamic children of a static program are recorded" {
    program static -static <<<'#include <stdlib.h>
int main(void) { return system("ls >/dev/null"); }'
    both tidemark record -o t.tmk ./static
    expect_status 0
    ls t.tmk.d/ls.*.tmk
}

@test "a 32-bit program runs unrecorded, without a complaint of the loader" {
    gcc -m32 -x c - -o small <<<'int main(void) { return 0; }' 2>/dev/null || skip "no 32-bit compiler"
    both tidemark record -o t.tmk ./small
    expect_status 0
    expect_in "32-bit" "$errors"
    [[ "$errors" != *ld.so* ]]
}

@test "a program of another libc runs unrecorded, also where the recorder is preloaded by hand" {
    cat >other.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static void *churn(void *unused) {
    for (int i = 0; i < 10000; i++) {
        char *p = realloc(malloc(i + 1), 2 * i + 1), *q = aligned_alloc(64, 640);
        if (!p || !q) abort();
        memset(p, 1, 2 * i + 1);
        free(p), free(q);
    }
    return unused;
}
int main(void) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, churn, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    void *map = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || munmap(map, 8192)) return 1;
    pid_t child = fork();
    if (!child) execl("/bin/echo", "echo", "from a child", (char *)NULL);
    int status;
    if (waitpid(child, &status, 0) != child || status) return 2;
    puts("done");
    return 7;
}
C
    musl-gcc -o other other.c 2>/dev/null || skip "no musl-gcc"
    both tidemark record -o t.tmk ./other
    expect_status 7
    expect_in "uses musl" "$errors"
    [ ! -e t.tmk ]
    both env LD_PRELOAD="$BUILD/libtrace.so" TIDEMARK_OUT="$PWD/by-hand.%e.tmk" ./other
    expect_status 7
    [ "$output" = $'from a child\ndone' ]
    [ -z "$errors" ]
    [ ! -e by-hand.other.tmk ]
    tidemark info --verify by-hand.echo.tmk
}

@test "a program with a sanitizer runs unrecorded" {
    program sanitized -fsanitize=address <<<'int main(void) { return 6; }'
    both tidemark record -o t.tmk ./sanitized
    expect_status 6
    expect_in "sanitizer" "$errors"
    both tidemark record -o t.tmk sh -c './sanitized; exit $?'
    expect_status 6
    printf '#! %s -x\n' "$PWD/sanitized" >script
    printf '#!%s\n' "$PWD/script" >of-script
    chmod +x script of-script
    both tidemark record -o t.tmk sh -c './script && exit 1; ./of-script; exit $?'
    expect_status 6
    clang -fsanitize=address -x c - -o sanitized <<<'int main(void) { return 6; }' || skip "no clang"
    both tidemark record -o t.tmk ./sanitized
    expect_status 6
    expect_in "sanitizer" "$errors"
}

@test "a set-user-id program runs unrecorded, and it is said why" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    program who <<<'int main(void) { return 0; }'
    chown 12345 who
    chmod u+s who
    findmnt -no OPTIONS --target . | grep -q nosuid && skip "nosuid"
    both tidemark record -o t.tmk ./who
    expect_status 0
    expect_in "set-uid" "$errors"
    [ ! -e t.tmk ]
}

@test "a script is recorded through its interpreter" {
    printf '#!/bin/sh\necho "$@"\nexit 3\n' >script
    chmod +x script
    both tidemark record -q -o t.tmk ./script a b
    expect_status 3
    [ "$output" = "a b" ]
    [ -s t.tmk ]
}

@test "a script without #! runs as execvp runs it" {
    printf 'exit 4\n' >script
    chmod +x script
    both tidemark record -q -o t.tmk ./script
    expect_status 4
}

@test "--only and --skip choose the processes" {
    tidemark record -q -o only.tmk --only 'ls' sh -c 'ls >/dev/null; date >/dev/null; :'
    [ ! -e only.tmk ]
    ls only.tmk.d/ls.*.tmk
    [ "$(ls only.tmk.d | wc -l)" -eq 1 ]
    both tidemark record -o only.tmk --only ls sh -c 'ls; :'
    [ "$errors" = "tidemark: trace: $PWD/only.tmk.d" ]
    both tidemark check only.tmk
    expect_status 0
    expect_in "only.tmk is not there: what is judged are the processes in only.tmk.d" "$output"
    tidemark record -q -o skip.tmk --skip date sh -c 'ls >/dev/null; date >/dev/null; :'
    [ -s skip.tmk ]
    [ "$(ls skip.tmk.d | wc -l)" -eq 1 ]
}

@test "TIDEMARK_FOLLOW=0 leaves the children alone" {
    TIDEMARK_FOLLOW=0 tidemark record -q -o t.tmk sh -c 'ls >/dev/null; :'
    [ -s t.tmk ]
    [ ! -e t.tmk.d ]
}

@test "works where SIGCHLD is ignored" {
    run bash -c 'trap "" CHLD; exec "$0" record -q -o t.tmk sh -c "exit 9"' "$TIDEMARK"
    [ "$status" -eq 9 ]
}

@test "works with closed standard streams" {
    run bash -c '"$0" record -q -o t.tmk sh -c "exit 9" <&- >&- 2>&-' "$TIDEMARK"
    [ "$status" -eq 9 ]
    [ -s t.tmk ]
}

@test "a program of fixed address with gaps between its segments has whole stacks, walked by rule" {
    program gaps -no-pie -Wl,--section-start=.text=0x2000000 <<'END'
#include <stdlib.h>
static void *make(void) { return malloc(100); }
int main(void) { free(make()); return 0; }
END
    tidemark record -q -o t.tmk ./gaps
    records t.tmk | grep -q '^end .*libunwind=0 partial=0 '
    tidemark report t.tmk --json - | jq -e '[.sites[].stack[].function] | contains(["make", "main"])'
}

@test "what a program only touches is in the curve, though it makes no call meanwhile" {
    program toucher <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    char *memory = malloc(40 << 20);
    for (int i = 0; i < 40; i++) {
        for (int page = 0; page < 256; page++) memory[(i << 20) + (page << 12)] = 1;
        usleep(25000);
    }
    return memory[1];
}
C
    tidemark record -q -o t.tmk ./toucher
    # Of 40 steps: they are seen by another process, which may be late.
    [ "$(tidemark report t.tmk --json - | jq '[.curve[].rss_bytes / 1048576 | floor | select(. > 4 and . < 40)] | unique | length > 5')" = true ]
    tidemark info --verify t.tmk | grep -q "^verified *whole"
}

# One clock record alone would make a nanosecond of each tick of the counter.
@test "stamps are times even where a program is killed, or idle, within its first moments" {
    program busy <<'C'
#include <signal.h>
#include <stdlib.h>
#include <time.h>
int main(void) {
    struct timespec now, start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        for (int i = 0; i < 1000; i++) free(malloc(100));
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000000000L + now.tv_nsec - start.tv_nsec < 50000000);
    return raise(SIGKILL);
}
C
    LD_PRELOAD=$BUILD/libtrace.so TIDEMARK_OUT=k.tmk ./busy || true
    [ "$(tidemark dump k.tmk | grep -c '^record clock')" -ge 2 ]

    "$TIDEMARK" record -q -o i.tmk sleep 1000 3>&- &
    launcher=$!
    has_two() { [ "$(tidemark dump i.tmk 2>/dev/null | grep -c '^record clock')" -ge 2 ]; }
    until_true has_two
    kill "$launcher"
    wait "$launcher" || true
}
