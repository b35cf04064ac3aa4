#!/usr/bin/env bats
# make install: what goes where, and that it works from there.
load helper

install_to() { # DESTDIR, further variables
    local destdir=$1
    shift
    make -s -C "$ROOT" install BUILD="$BUILD" DESTDIR="$destdir" "$@"
}

setup_file() {
    export INSTALLED=$BATS_FILE_TMPDIR/root
    local build=${BUILD:-$(cd "$BATS_TEST_DIRNAME/../../build" && pwd)}
    make -s -C "$BATS_TEST_DIRNAME/../.." install BUILD="$build" DESTDIR="$INSTALLED" PREFIX=/usr
}

@test "everything is in its place" {
    for file in bin/tidemark bin/tidemark-ci share/doc/tidemark/ci/gitlab.yml lib/tidemark/libtrace.so include/tidemark.h lib/pkgconfig/tidemark.pc \
        share/man/man1/tidemark.1 share/man/man1/tidemark-run.1 share/bash-completion/completions/tidemark \
        share/zsh/site-functions/_tidemark share/fish/vendor_completions.d/tidemark.fish; do
        [ -s "$INSTALLED/usr/$file" ] || { echo "missing: $file"; return 1; }
    done
    [ "$(readlink "$INSTALLED/usr/lib/libtrace.so")" = tidemark/libtrace.so ]
}

@test "the installed tidemark finds its recorder" {
    both "$INSTALLED/usr/bin/tidemark" record -q -o t.tmk sh -c 'echo $LD_PRELOAD'
    [ "$output" = "$(realpath "$INSTALLED/usr/lib/tidemark/libtrace.so")" ]
    [ -s t.tmk ]
}

@test "a libtrace.so of someone else stays, and it is said" {
    mkdir -p root/usr/lib
    echo theirs >root/usr/lib/libtrace.so
    both install_to "$PWD/root" PREFIX=/usr
    expect_status 0
    expect_in "belongs to something else" "$errors"
    [ "$(cat root/usr/lib/libtrace.so)" = theirs ]
    [ -s root/usr/lib/tidemark/libtrace.so ]
    both install_to "$PWD/root" PREFIX=/usr/local
    expect_in "usr/lib/libtrace.so belongs to something else" "$errors"
    [ ! -L root/usr/local/lib/libtrace.so ]
}

@test "installing twice is fine" {
    install_to "$PWD/root" PREFIX=/usr
    both install_to "$PWD/root" PREFIX=/usr
    expect_status 0
    [ -z "$errors" ]
}

@test "pkg-config finds the header" {
    export PKG_CONFIG_PATH=$INSTALLED/usr/lib/pkgconfig
    [ "$(pkg-config --modversion tidemark)" = "$(tidemark --version | cut -d' ' -f2)" ]
    [ "$(pkg-config --variable=includedir tidemark)" = /usr/include ]
    gcc -I "$INSTALLED/usr/include" -x c - -o marks <<<'#include <tidemark.h>
int main(void) { tidemark_mark("m"); return 0; }'
    ./marks
}

@test "the man pages have no troff warnings" {
    command -v man >/dev/null || skip "no man"
    for page in "$INSTALLED"/usr/share/man/man1/*; do
        [ -z "$(LC_ALL=C MANWIDTH=80 man --warnings=w -l "$page" 2>&1 >/dev/null)" ]
    done
}

@test "bash completes commands and options" {
    complete_with() { bash -c '. "$0"; COMP_WORDS=(tidemark "$@"); COMP_CWORD=$#; _tidemark 2>/dev/null; echo "${COMPREPLY[*]}"' \
        "$INSTALLED/usr/share/bash-completion/completions/tidemark" "$@"; }
    [ "$(complete_with rec)" = record ]
    [ "$(complete_with mark --b)" = --begin= ]
    [ "$(complete_with export --format sp)" = speedscope ]
    [ "$(complete_with export --format = s)" = "speedscope sqlite" ]
}

@test "zsh loads its completion and offers the commands" {
    command -v zsh >/dev/null || skip "no zsh"
    both zsh -f -c '
        fpath=($1 $fpath)
        autoload -Uz _tidemark
        _describe() { print -r -- ${(P)2} }
        _arguments() { print -r -- $@ }
        words=(tidemark ""); CURRENT=2; _tidemark
        words=(tidemark mark ""); CURRENT=3; _tidemark
        words=(tidemark export ""); CURRENT=3; _tidemark' zsh "$INSTALLED/usr/share/zsh/site-functions"
    expect_status 0
    [ -z "$errors" ]
    expect_in "record:" "$output"
    expect_in "--begin=" "$output"
    expect_in ":FORMAT:(folded pprof " "$output"
}

@test "fish completes commands and options" {
    command -v fish >/dev/null || skip "no fish"
    export HOME=$PWD
    both fish --no-config -c 'source $argv[1]; complete -C "tidemark rec"; complete -C "tidemark mark --b"; complete -C "tidemark export --format spee"' \
        "$INSTALLED/usr/share/fish/vendor_completions.d/tidemark.fish"
    expect_status 0
    [ -z "$errors" ]
    expect_in record "$output"
    expect_in "--begin" "$output"
    expect_in speedscope "$output"
}

@test "the recorder needs libc alone, exports its hooks and the public functions alone" {
    [ "$(readelf -dW "$BUILD/libtrace.so" | grep -c NEEDED)" -eq 1 ]
    readelf -dW "$BUILD/libtrace.so" | grep -q 'NEEDED.*libc\.so\.6'
    nm -D --defined-only "$BUILD/libtrace.so" | awk '{ sub("@.*", "", $3); print $3 }' | sort -u >exported
    sed -nE 's/^HOOK\([^,]*, *([A-Za-z0-9_]+).*/\1/p; s/^HOOK_(NEW|DELETE)\(([A-Za-z0-9_]+).*/\2/p' "$ROOT/preload/hooks.def" |
        sort -u >hooks
    [ -s hooks ]
    comm -23 exported hooks | grep -vE '^(tidemark_|TIDEMARK)' >others || true
    [ ! -s others ] || { cat others; false; }
    fails grep -qxE "dlmopen|dlsym" exported
}
