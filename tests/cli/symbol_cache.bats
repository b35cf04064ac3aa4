#!/usr/bin/env bats
# Names that are kept from one report to the next: used only where they are true, private, bounded.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    cat >work.c <<'C'
#include <stdlib.h>
static void *volatile kept;
__attribute__((noinline)) static void named_part(void) { kept = malloc(1000); }
int main(void) { named_part(); return 0; }
C
    cc -O1 -g -fno-builtin work.c -o full
    objcopy --only-keep-debug full full.debug
    mkdir bin
    cp full bin/work
    local program=${TIDEMARK:-${BUILD:-$BATS_TEST_DIRNAME/../../build}/tidemark}
    "$program" record -q -o work.tmk bin/work
}

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    unset LD_PRELOAD NO_COLOR "${!TIDEMARK_@}" "${!DEBUGINFOD_@}"
    export TIDEMARK_CACHE=$PWD/cache
    here=$BATS_FILE_TMPDIR
    cp -p "$here/full" "$here/bin/work"
    kept=$TIDEMARK_CACHE/$(readelf -n "$here/full" | sed -n 's/.*Build ID: //p').names
}

# The functions of the one site that allocated 1000 bytes.
names() { tidemark report "$here/work.tmk" --json - "$@" | jq -c '[.sites[] | select(.allocated_bytes == 1000) | .stack[:2][].function]'; }
true_names='["named_part","main"]'

# Other names in the kept file; with `sum`, and the checksum that belongs to them.
forge() {
    python3 - "$kept" "$@" <<'PY'
import sys
path = sys.argv[1]
data = bytearray(open(path, "rb").read().replace(b"named_part", b"other_part"))
if "sum" in sys.argv:
    hash = 0xcbf29ce484222325
    for byte in data[:24] + data[32:]:
        hash = (hash ^ byte) * 0x100000001b3 & (1 << 64) - 1
    data[24:32] = hash.to_bytes(8, "little")
open(path, "wb").write(data)
PY
}

@test "names are kept and used again" {
    [ "$(names)" = "$true_names" ]
    [ "$(names)" = "$true_names" ]
    forge sum
    [ "$(names)" = '["other_part","main"]' ]
    [ "$(names --no-cache)" = "$true_names" ]
    [ "$(TIDEMARK_CACHE=off names)" = "$true_names" ]
}

@test "a file that is damaged, cut or empty counts as absent" {
    names >/dev/null
    forge
    [ "$(names)" = "$true_names" ]
    for size in 0 5 31 32 60; do
        truncate -s $size "$kept"
        [ "$(names)" = "$true_names" ]
        [ "$(stat -c %s "$kept")" -gt 60 ]
    done
    rm "$kept"
    mkfifo "$kept"
    [ "$(timeout 20 "$TIDEMARK" report "$here/work.tmk" --json - | jq '.sites | length')" -gt 0 ]
}

@test "another file of the same build is read anew" {
    strip -o "$here/bin/work" "$here/full"
    fails grep -q named_part <(names)
    fails grep -q named_part <(names)
    (cd "$here" && objcopy --add-gnu-debuglink=full.debug bin/work bin/new && mv bin/new bin/work && cp full.debug bin/)
    [ "$(names)" = "$true_names" ]
    rm "$here/bin/full.debug"
    fails grep -q named_part <(names)
}

@test "files are private; nothing is kept where others could write, or where it is not wanted" {
    umask 0
    names >/dev/null
    [ "$(stat -c %a "$kept" "$TIDEMARK_CACHE" | xargs)" = "600 700" ]
    rm "$kept"
    names --no-cache >/dev/null
    [ ! -e "$kept" ]
    chmod 777 "$TIDEMARK_CACHE"
    [ "$(names)" = "$true_names" ]
    [ ! -e "$kept" ]
    chmod 700 "$TIDEMARK_CACHE"
    mv cache elsewhere
    ln -s elsewhere cache
    [ "$(names)" = "$true_names" ]
    [ -z "$(ls elsewhere/*.names | grep "${kept##*/}")" ]
}

@test "a link in place of a file is not followed" {
    names >/dev/null
    echo mine >target
    ln -sf "$PWD/target" "$kept"
    [ "$(names)" = "$true_names" ]
    [ "$(cat target)" = mine ]
    [ ! -L "$kept" ]
}

@test "\$XDG_CACHE_HOME, then ~/.cache; a relative one is none" {
    unset TIDEMARK_CACHE
    XDG_CACHE_HOME=$PWD/x names >/dev/null
    [ -e "x/tidemark/${kept##*/}" ]
    XDG_CACHE_HOME=y HOME=$PWD/h names >/dev/null
    [ -e "h/.cache/tidemark/${kept##*/}" ]
    [ ! -e y ]
}

@test "what was not used for longest goes when there is too much" {
    mkdir -m 700 cache
    truncate -s 100M cache/aa.names
    truncate -s 100M cache/bb.names
    touch -d '2 days ago' cache/aa.names
    touch -d '1 day ago' cache/bb.names
    names >/dev/null
    [ ! -e cache/aa.names ]
    [ -e cache/bb.names ]
    [ -e "$kept" ]
}

@test "names of a bundle are not kept for others" {
    TIDEMARK_CACHE=off tidemark bundle -q "$here/work.tmk" -o work.tmb
    rm "$here/bin/work"
    names >/dev/null
    [ "$(tidemark report work.tmb --json - | jq -c '[.sites[] | select(.allocated_bytes == 1000) | .stack[:2][].function]')" = "$true_names" ]
    strip -o "$here/bin/work" "$here/full"
    tidemark report work.tmb >/dev/null
    fails grep -q named_part cache/*.names
}
