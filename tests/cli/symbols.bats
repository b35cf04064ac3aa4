#!/usr/bin/env bats
# Where names come from when the program itself has none: separate debug files, trees of them, other roots, servers.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    mkdir bin keep
    cat >work.c <<'C'
#include <stdlib.h>
static void *volatile kept;
static inline __attribute__((always_inline)) void inlined_part(void) { kept = malloc(1000); }
__attribute__((noinline)) static void named_part(void) { inlined_part(); }
int main(void) { named_part(); return 0; }
C
    cc -O1 -g -fno-builtin work.c -o keep/full
    objcopy --only-keep-debug keep/full keep/full.debug
    strip -o bin/work keep/full
    local program=${TIDEMARK:-${BUILD:-$BATS_TEST_DIRNAME/../../build}/tidemark}
    "$program" record -q -o work.tmk bin/work
}

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    unset LD_PRELOAD NO_COLOR "${!TIDEMARK_@}" "${!DEBUGINFOD_@}"
    trace=$BATS_FILE_TMPDIR/work.tmk keep=$BATS_FILE_TMPDIR/keep bin=$BATS_FILE_TMPDIR/bin
    export DEBUGINFOD_CACHE_PATH=$BATS_TEST_TMPDIR/cache
}

teardown() {
    [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
    rm -f "$BATS_FILE_TMPDIR"/bin/*.debug
    rm -rf "$BATS_FILE_TMPDIR/bin/.debug"
    [ -e "$BATS_FILE_TMPDIR/bin/work" ] || strip -o "$BATS_FILE_TMPDIR/bin/work" "$BATS_FILE_TMPDIR/keep/full"
}

frames() { # options of report...: the innermost two frames, with lines
    tidemark report "$trace" --json - "$@" |
        jq -c '[.sites[] | select(.allocated_bytes == 1000) | .stack[:2][] | [.function, .line, .inlined]]'
}

all='[["inlined_part",3,true],["named_part",4,false]]'

is() {
    [ "$1" = "$2" ] || { echo "$1 instead of $2"; return 1; }
}

build_id() { readelf -n "$keep/full" | sed -n 's/.*Build ID: //p'; }

linked() { # FILE: the stripped program, which names FILE as its debug file
    (cd "$keep" && objcopy --add-gnu-debuglink=full.debug "$bin/work" "$1")
}

@test "a stripped program has no names, and that is said" {
    fails grep -q named_part <(frames)
    expect_in "work has no symbols" "$(tidemark report "$trace")"
}

@test ".gnu_debuglink: beside the program, in .debug, in a folder of --debug-path" {
    linked "$bin/work.new" && mv "$bin/work.new" "$bin/work"
    fails grep -q named_part <(frames)
    cp "$keep/full.debug" "$bin/"
    is "$(frames)" "$all"
    mkdir "$bin/.debug" && mv "$bin/full.debug" "$bin/.debug/"
    is "$(frames)" "$all"
    mkdir elsewhere && mv "$bin/.debug/full.debug" elsewhere/
    fails grep -q named_part <(frames)
    is "$(frames --debug-path "$PWD/elsewhere")" "$all"
}

@test "a debug file of another build is not believed" {
    sed 's/inlined_part/impostor_part/; s/kept;/kept, *other;/' "$BATS_FILE_TMPDIR/work.c" >other.c
    cc -O1 -g -fno-builtin other.c -o other
    linked "$bin/work.new" && mv "$bin/work.new" "$bin/work"
    objcopy --only-keep-debug other "$bin/full.debug"
    fails grep -q impostor <(frames)
}

@test "a build-id tree, also without the program" {
    id=$(build_id)
    mkdir -p "tree/.build-id/${id:0:2}"
    cp "$keep/full.debug" "tree/.build-id/${id:0:2}/${id:2}.debug"
    is "$(frames --debug-path "$PWD/tree")" "$all"
    rm "$bin/work"
    is "$(frames --debug-path "$PWD/tree")" "$all"
}

@test "--sysroot: the program where another root has it" {
    mkdir -p "root$bin"
    cp "$keep/full" "root$bin/work"
    rm "$bin/work"
    is "$(frames --sysroot "$PWD/root")" "$all"
    fails grep -q named_part <(frames --sysroot "$PWD")
}

@test "a bundle made with --debug-path needs it no more" {
    id=$(build_id)
    mkdir -p "tree/.build-id/${id:0:2}"
    cp "$keep/full.debug" "tree/.build-id/${id:0:2}/${id:2}.debug"
    tidemark bundle -q "$trace" --debug-path "$PWD/tree" -o out.tmb
    rm -r tree "$bin/work"
    trace=out.tmb
    is "$(frames)" "$all"
}

@test "debug information shared by dwz" {
    command -v dwz >/dev/null || skip "dwz is missing"
    printf 'struct shared { struct shared *next; int a[7], b, c, d, e; const char *name; };\n' >shared.h
    for name in one two; do
        printf '#include "shared.h"\n#include <stdlib.h>\nstruct shared *volatile kept;\n__attribute__((noinline)) static void %s_part(void) { kept = malloc(1000); }\nint main(void) { %s_part(); kept->b = 1; return 0; }\n' $name $name >$name.c
        cc -O1 -g -fno-builtin $name.c -o $name
    done
    dwz -m common.debug one two 2>dwz.log || skip "dwz found nothing to share"
    readelf -S one | grep -q gnu_debugaltlink || skip "dwz found nothing to share"
    tidemark record -q -o one.tmk ./one
    trace=one.tmk
    is "$(frames | jq -c '.[0][:2]')" '["one_part",4]'
}

# Servers.

# Serves FOLDER as debuginfod would; its port in $port, what was asked for in asked.log.
serve() {
    cat >server.py <<'PY'
import http.server, os, sys, time
folder, stall = sys.argv[1], float(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, file=open("asked.log", "a"), flush=True)
        time.sleep(stall)
        path = folder + self.path
        if not os.path.isfile(path):
            self.send_error(404)
            return
        body = open(path, "rb").read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, file=open("port.new", "w"), flush=True)
os.rename("port.new", "port")
server.serve_forever()
PY
    python3 server.py "$1" "${2:-0}" 3>&- >/dev/null 2>&1 &
    server=$!
    until_true test -e port
    port=$(cat port)
}

server_folder() {
    mkdir -p "files/buildid/$(build_id)"
    cp "$keep/full.debug" "files/buildid/$(build_id)/debuginfo"
    cp "$keep/full" "files/buildid/$(build_id)/executable"
}

servers() { ldconfig -p | grep -q libdebuginfod || skip "libdebuginfod is missing"; }

@test "debuginfod: asked only where DEBUGINFOD_URLS says so, answers are kept" {
    servers
    server_folder
    serve files
    fails grep -q named_part <(frames)
    [ ! -e asked.log ]
    export DEBUGINFOD_URLS=http://127.0.0.1:$port
    is "$(frames)" "$all"
    grep -q "/buildid/$(build_id)/debuginfo" asked.log
    kill "$server"
    is "$(frames)" "$all"
}

@test "debuginfod: also for a program that is gone" {
    servers
    server_folder
    serve files
    rm "$bin/work"
    export DEBUGINFOD_URLS=http://127.0.0.1:$port
    is "$(frames)" "$all"
}

@test "debuginfod: a server that does not answer costs seconds, not the report" {
    servers
    server_folder
    serve files 100
    export DEBUGINFOD_URLS=http://127.0.0.1:$port DEBUGINFOD_TIMEOUT=1
    both timeout 50 "$TIDEMARK" report "$trace"
    expect_status 0
    expect_in "work has no symbols" "$output"
    [ -e asked.log ]
}

@test "a wrapper that the user names is no call site" {
    program own_layer <<'END'
#include <stdlib.h>
static void *give_memory(unsigned size) { return malloc(size); }
static void *keep;
static void fill_cache(void) { keep = give_memory(100); }
int main(void) { fill_cache(); return keep == 0; }
END
    tidemark record -q -o t.tmk ./own_layer
    top() { tidemark report t.tmk --json - "$@" | jq -r '.sites[0].function'; }
    [ "$(top)" = give_memory ]
    [ "$(top --wrapper 'give_*')" = fill_cache ]
}
