#!/usr/bin/env bats
# include/tidemark.h: what every C and C++ takes, strictly read, and what it does with and without a recorder.
load helper

STRICT="-pedantic-errors -Wall -Wextra -Wshadow -Wconversion -Wundef -Werror"

# Two files include it, as in a program of several: nothing may be defined twice.
sources() {
    cat >calls.c <<'C'
#include <tidemark.h>
int more(void);
int main(void) {
    tidemark_phase_begin("work");
    tidemark_items(1);
    tidemark_items_named("rows", 2);
    tidemark_op_begin("query");
    tidemark_op_end("query", 1);
    tidemark_op_finish(tidemark_op_start("request"), TIDEMARK_REJECTED);
    tidemark_value("depth", 1.5);
    tidemark_mark("half");
    tidemark_pause();
    tidemark_resume();
    tidemark_phase_end("work");
    return more();
}
C
    cat >more.c <<'C'
#include <tidemark.h>
int more(void);
int more(void) {
    tidemark_mark("end");
    return 7;
}
C
}

builds() {
    # shellcheck disable=SC2086
    "$1" -x "$2" -std="$3" $STRICT -I "$ROOT/include" calls.c more.c -o calls
    both ./calls
    expect_status 7
    [ -z "$errors" ]
}

@test "C90 to C23 and C++98 to C++23 take it without a warning" {
    local compiler standard
    sources
    for standard in c90 gnu90 c99 c11 gnu17 c2x; do builds gcc c $standard; done
    for standard in c++98 gnu++98 c++11 c++17 c++20 c++2b; do builds g++ c++ $standard; done
    for compiler in clang clang++; do command -v $compiler >/dev/null || skip "no $compiler"; done
    for standard in c90 c99 c11 c2x; do builds clang c $standard; done
    for standard in c++98 c++11 c++20; do builds clang++ c++ $standard; done
}

@test "C90 and C++98 reach the recorder" {
    sources
    for language in "gcc c c90" "g++ c++ c++98"; do
        # shellcheck disable=SC2086
        builds $language
        both tidemark record -q -o t.tmk ./calls
        expect_status 7
        tidemark report t.tmk --json t.json >t.txt
        [ "$(jq -c '[.phases[] | select(.name == "work") | .items, ([.ops[].count] | add), .values[0].last]' t.json)" = '[1,2,1.5]' ]
        [ "$(jq -c '[.marks[].name]' t.json)" = '["half","end"]' ]
    done
}
