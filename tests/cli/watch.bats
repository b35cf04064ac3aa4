#!/usr/bin/env bats
# The live view of a target whose memory is known to the byte, while it runs and when it ends.
load helper

start() { # options of record...
    program target <<'C'
#include <stdlib.h>
#include <unistd.h>
#include "tidemark.h"
static void *volatile kept;
__attribute__((noinline)) static void growing(void) { kept = malloc(1000); }
static void wait_for(const char *file) {
    while (access(file, F_OK) != 0) usleep(10000);
}
int main(void) {
    tidemark_phase_begin("first");
    for (int i = 0; i < 100; i++) growing();
    if (write(1, "ready\n", 6) != 6) return 1;
    wait_for("more");
    tidemark_phase_end("first");
    tidemark_phase_begin("second");
    for (int i = 0; i < 300; i++) growing();
    if (write(1, "done\n", 5) != 5) return 1;
    wait_for("stop");
    return 0;
}
C
    rm -f more stop
    "$TIDEMARK" record -q "$@" -o t.tmk ./target >out 3>&- &
    launcher=$!
    until_true grep -q ready out
    pid=$(pgrep -P "$launcher" -x target)
}

teardown() {
    touch more stop
    wait
}

@test "lines tell what is live now, in which phase, and how it changed" {
    start
    both tidemark watch "$pid" --plain --count 1
    expect_status 0
    expect_in "live 97.7 KiB in 100 blocks" "$output"
    expect_in "100 allocations" "$output"
    expect_in "first #1" "$output"
    "$TIDEMARK" watch "$pid" --plain --interval 100ms >lines 3>&- &
    watcher=$!
    until_true test -s lines
    touch more
    until_true grep -q "in 400 blocks" lines
    touch stop
    wait "$watcher"
    grep -q "live 391 KiB .*in 400 blocks .* second #1" lines
    grep -q "grows: growing +" lines
    tail -n 1 lines | grep -q "the trace is closed"
    fails grep -q $'\033' lines
}

@test "a trace in progress by its name; its target goes on undisturbed" {
    start
    both tidemark watch t.tmk --count 2 --interval 10ms
    expect_status 0
    [ "$(wc -l <<<"$output")" -eq 2 ]
    touch more stop
    wait "$launcher"
    [ "$(tidemark report t.tmk --json - | jq -c '[.totals.allocations, .trace.complete]')" = '[400,true]' ]
}

@test "a killed target: its last state, then the end" {
    start
    "$TIDEMARK" watch "$pid" --plain --interval 100ms >lines 3>&- &
    watcher=$!
    until_true test -s lines
    kill -9 "$pid"
    wait "$watcher"
    tail -n 1 lines | grep -q "live 97.7 KiB .*in 100 blocks.* the process has ended"
}

@test "a tree whose first program became another one is watched to its end" {
    program steps <<'C'
#include <stdlib.h>
#include <unistd.h>
static void *volatile kept;
int main(void) {
    for (int i = 0; i < 500; i++) kept = malloc(1000);
    if (write(1, "ready\n", 6) != 6) return 1;
    while (access("stop", F_OK) != 0) usleep(10000);
    return 0;
}
C
    rm -f stop
    "$TIDEMARK" record -q -o t.tmk sh -c 'exec ./steps' >out 3>&- &
    launcher=$!
    until_true grep -q ready out
    "$TIDEMARK" watch t.tmk --plain --interval 100ms >lines 3>&- &
    watcher=$!
    until_true grep -q "in 5[0-9][0-9] blocks" lines
    fails grep -q "took its place" lines
    kill -0 "$watcher"
    touch stop
    wait "$watcher" "$launcher"
    tail -n 1 lines | grep -q "the trace is closed"
}

@test "a trace that is closed: one view" {
    start
    touch more stop
    wait "$launcher"
    both timeout 20 "$TIDEMARK" watch t.tmk
    expect_status 0
    [ "$(wc -l <<<"$output")" -eq 1 ]
    expect_in "in 400 blocks" "$output"
    expect_in "the trace is closed" "$output"
}

@test "a signal ends it; nothing to watch is said" {
    start
    "$TIDEMARK" watch "$pid" --plain --interval 100ms >lines 3>&- &
    watcher=$!
    until_true test -s lines
    kill -TERM "$watcher"
    status=0
    wait "$watcher" || status=$?
    [ "$status" -eq 143 ]
    sleep 100 3>&- &
    other=$!
    both tidemark watch "$other"
    kill "$other"
    expect_status 3
    expect_in "is not being recorded" "$errors"
    both tidemark watch 4194304
    expect_status 3
    expect_in "no such process" "$errors"
    both tidemark watch none.tmk
    expect_status 3
}

@test "a terminal is taken and given back: by q, and by a signal" {
    start
    cat >terminal.py <<'PY'
import fcntl, os, pty, select, signal, struct, sys, termios, time
program, pid, how = sys.argv[1:4]
go, ready = os.pipe()
end_here, ended = os.pipe()
child, fd = pty.fork()
if child == 0: # the terminal is still as the view left it when that has ended: only with us is it reset
    os.environ["TERM"] = "xterm"
    os.read(go, 1)
    view = os.fork()
    if view == 0: os.execv(program, [program, "watch", pid, "--interval", "100ms"])
    os.write(ended, b"%d\n" % view)
    for number in (signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
    os.write(ended, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(view, 0)[1]))
    os.read(go, 1)
    os._exit(0)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
before = termios.tcgetattr(fd)
os.write(ready, b"x")
said = os.fdopen(end_here)
view = int(said.readline())
seen, asked, end = b"", False, time.time() + 60
while time.time() < end and b"\033[?1049l" not in seen:
    if not select.select([fd], [], [], 0.2)[0]: continue
    seen += os.read(fd, 65536)
    if not asked and b"fastest growing" in seen:
        asked = True
        raw = termios.tcgetattr(fd)[3]
        assert not raw & termios.ICANON and not raw & termios.ECHO, "keys are not read one by one"
        if how == "q": os.write(fd, b"q")
        else: os.kill(view, getattr(signal, how))
assert b"\033[?1049h" in seen and b"\033[?25l" in seen, "never taken"
assert b"\033[?25h\033[?1049l" in seen and b"\033[?7h" in seen, "not given back"
status = int(said.readline())
assert termios.tcgetattr(fd)[3] == before[3], "modes not restored"
screen = seen.split(b"\033[H")[-1].split(b"\033[?7h")[0]
assert screen.count(b"\n") < 30, "more lines than rows"
assert b"growing" in screen and b"first" in screen, screen
print(status)
os.write(ready, b"x")
os.waitpid(child, 0)
PY
    [ "$(python3 terminal.py "$TIDEMARK" "$pid" q)" = 0 ]
    [ "$(python3 terminal.py "$TIDEMARK" "$pid" SIGTERM)" = 143 ]
    [ "$(python3 terminal.py "$TIDEMARK" "$pid" SIGHUP)" = 129 ]
}
