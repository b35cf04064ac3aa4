#!/usr/bin/env bats
# The presets of --phase-from-output against the real test runners: which phases there are, under which parent, and that
# what a test of some microseconds allocates is in its phase, all of it.
load helper

# Records CMD under a preset; the trace is t.tmk, what CMD printed is in out.
watch() { # PRESET, CMD...
    PASSED_ON=$BATS_TEST_TMPDIR/.stdout both tidemark run -q -o t.tmk --phase-from-output "$@"
    echo "$output" >out
}

# Names of the phases below a parent, in order.
below() { tidemark report t.tmk --self --json - | jq -r --arg parent "$1" '.phases[] | select(.parent == $parent) | .name'; }

is() { # what it is, what it should be
    [ "$1" = "$2" ] || { printf '%s\ninstead of\n%s\n' "$1" "$2"; return 1; }
}

missing() { ! command -v "$1" >/dev/null; }

suite_of_gtest() {
    [ -e /usr/include/gtest/gtest.h ] || skip "no libgtest-dev"
    cat >suite.cc <<'CPP'
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>
static void *kept[100];
static int count;
// The pauses keep edges apart from blocks: without them a block may count for the test before or after.
static void work(bool leak) {
    usleep(3000);
    for (int i = 0; i < 100; i++) {
        void *volatile block = malloc(300);
        if (leak && i % 10 == 0) kept[count++] = block;
        else free(block);
    }
    usleep(3000);
}
TEST(Leaky, A) { work(true); }
TEST(Leaky, B) { work(true); }
TEST(Leaky, C) { work(true); }
TEST(Leaky, D) { work(true); }
TEST(Leaky, E) { work(true); }
TEST(Leaky, F) { work(true); }
TEST(Clean, A) { work(false); }
TEST(Clean, Fails) { EXPECT_EQ(getenv("GOOD") != nullptr, true); }
TEST(Clean, Skipped) { GTEST_SKIP(); }
TEST(Clean, Prints) { printf("no line end"); }
TEST(Clean, DISABLED_Never) {}
class Numbers : public testing::TestWithParam<int> {};
TEST_P(Numbers, Work) { work(false); }
INSTANTIATE_TEST_SUITE_P(Few, Numbers, testing::Values(1, 2));
CPP
    g++ -g -O1 suite.cc -o suite -lgtest -lgtest_main -pthread
}

@test "googletest: suites, tests, what each allocates, the leak; in any order, filtered, failing" {
    suite_of_gtest
    export GOOD=1
    watch gtest ./suite
    expect_status 10
    expect_in work "$(jq -r '.sites[].function' <(tidemark report t.tmk --json -))"
    is "$(tidemark report t.tmk --json - | jq -r '[.verdict.leaks[].phase] | unique | .[]')" Leaky
    is "$(below Leaky | xargs)" "Leaky.A Leaky.B Leaky.C Leaky.D Leaky.E Leaky.F"
    is "$(below Clean | xargs)" "Clean.A Clean.Fails Clean.Skipped Clean.Prints"
    is "$(below Few/Numbers | xargs)" "Few/Numbers.Work/0 Few/Numbers.Work/1"
    is "$(tidemark report t.tmk --site '^work$' --json - | jq -c '[.sites[].allocations] | add')" 900
    tidemark report t.tmk --json - | jq -e '[.phases[] | select(.parent == "Leaky") | .allocations] | min >= 100 and max < 200' >/dev/null
    ./suite | sed "s/([0-9]* ms/(/" >alone
    sed "s/([0-9]* ms/(/" "$BATS_TEST_TMPDIR/.stdout" | diff - alone
    unset GOOD
    watch gtest ./suite --gtest_shuffle --gtest_random_seed=7 --gtest_color=yes --gtest_filter=Clean.*
    expect_status 1
    is "$(below Clean | sort | xargs)" "Clean.A Clean.Fails Clean.Prints Clean.Skipped"
    is "$(below Clean | xargs)" "$(sed -nE 's/.*\[ RUN      \] .*(Clean\.[A-Za-z]+).*/\1/p' out | xargs)"
}

@test "ctest: its tests, also in parallel; the programs under test end as always and hear of no other test" {
    missing ctest && skip "no cmake"
    mkdir build
    for test in one two three four; do
        echo "add_test($test sh -c \"for i in 1 2 3 4 5; do /bin/true; done; test $test != two\")"
    done >build/CTestTestfile.cmake
    watch ctest ctest --test-dir build
    expect_status 8
    is "$(below ctest | xargs)" "one two three four"
    watch ctest ctest --test-dir build -j 4
    expect_status 8
    is "$(below ctest | sort | xargs)" "four one three two"
    for trace in t.tmk.d/*; do
        tidemark info "$trace" | grep -q '^end  *recorded'
        [ -z "$(records "$trace" | grep '^request')" ]
    done
}

@test "pytest keeps each test's result: it is said how to take that as known, and then it is" {
    /usr/bin/python3 -c 'import pytest' 2>/dev/null || skip "no python3-pytest"
    cat >test_many.py <<'PY'
import pytest
@pytest.mark.parametrize("n", range(200))
def test_number(n): assert n >= 0
PY
    tests=(/usr/bin/python3 -m pytest -p no:cacheprovider -v)
    both tidemark run -o t.tmk --phase-from-output pytest "${tests[@]}"
    expect_status 10
    expect_in "--baseline FILE --update-baseline once" "$(tr -s '\n ' '  ' <<<"$errors")"
    tidemark check -q t.tmk --baseline known --update-baseline
    both tidemark run -o t.tmk --baseline known --phase-from-output pytest "${tests[@]}"
    expect_status 0
    fails grep -q "keeps the result" <<<"$errors"
}

@test "pytest: tests by name with -v, files without" {
    /usr/bin/python3 -c 'import pytest' 2>/dev/null || skip "no python3-pytest"
    cat >test_a.py <<'PY'
import pytest
kept = []
@pytest.mark.parametrize("n", ["1", "a b", "x-y"])
def test_number(n): kept.append(bytearray(5000))
class TestIt:
    def test_fails(self): assert 1 == 2
@pytest.mark.skip
def test_skipped(): pass
PY
    echo 'def test_b(): print("hello")' >test_b.py
    watch pytest /usr/bin/python3 -m pytest -p no:cacheprovider -v
    expect_status 1
    is "$(below pytest)" "test_a.py::test_number[1]
test_a.py::test_number[a b]
test_a.py::test_number[x-y]
test_a.py::TestIt::test_fails
test_a.py::test_skipped
test_b.py::test_b"
    watch pytest /usr/bin/python3 -m pytest -p no:cacheprovider -s
    is "$(below pytest | xargs)" "test_a.py test_b.py"
}

@test "cargo test: tests by name, one after the other or at once" {
    missing rustc && skip "no rustc"
    cat >shop.rs <<'RUST'
fn pause() { std::thread::sleep(std::time::Duration::from_millis(3)) }
fn work() { pause(); for _ in 0..100 { drop(vec![0u8; 300]); } pause() }
#[test] fn adds() { work() }
#[test] fn divides() { work() }
#[test] fn prints() { println!("hello") }
#[test] #[ignore] fn later() {}
#[test] #[should_panic] fn panics() { panic!("as it should") }
RUST
    rustc --test -o shop shop.rs
    watch cargo ./shop --test-threads=1
    expect_status 0
    is "$(below cargo | xargs)" "adds divides later panics prints"
    tidemark report t.tmk --json - | jq -e '.phases[] | select(.name == "divides") | .allocations >= 100' >/dev/null
    watch cargo ./shop
    is "$(below cargo | sort | xargs)" "adds divides later panics prints"
}

@test "TAP: of perl alone, and through prove" {
    cat >a.t <<'PERL'
use Test::More tests => 4;
$| = 1;
sub is_passed_on { open my $file, "<", $ENV{PASSED_ON} or die; grep { $_ eq $_[0] } <$file> }
sub all_taken { # see taken.h; prove passes lines on as it likes
    for my $line (map { "taken $_[0].$_\n" } 1, 2) {
        print $line;
        until ($ENV{HARNESS_ACTIVE} or is_passed_on($line)) { select undef, undef, undef, 0.002 }
    }
}
all_taken(0); # of the plan, with which test 1 begins
for my $n (1 .. 4) { my %h = map { $_ => "x$_" } 1 .. 500; ok($n != 2, "step $n"); all_taken($n) }
PERL
    watch tap perl a.t
    expect_status 1
    is "$(below tap | xargs)" "test 1 test 2 test 3 test 4"
    tidemark report t.tmk --json - | jq -e '[.phases[] | select(.parent == "tap") | .allocations] | min >= 500' >/dev/null
    missing prove && return
    watch tap prove -v a.t
    is "$(below tap | xargs)" "test 1 test 2 test 3 test 4"
}

@test "a program in C that leaves its lines to stdio writes them one by one, as to a terminal" {
    program plain <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    puts("1..5");
    for (int n = 1; n <= 5; n++) {
        for (int i = 0; i < 50; i++) free(malloc(77));
        printf("ok %d\n", n);
    }
    return 0;
}
C
    watch tap ./plain
    expect_status 0
    # An edge is right to a line of output, so the blocks of one test may count for its neighbour.
    tidemark report t.tmk --json - | jq -e '[.phases[] | select(.parent == "tap") | .allocations]
        | length >= 4 and add >= 150 and max <= 100' >/dev/null
}

hint() { tidemark run -o t.tmk --phase-from-output "$@" 2>&1 >/dev/null | sed -n 's/^ *hint: //p'; }

@test "googletest repeated and shuffled: each test repeats, and the one that leaks is named; sharded; without names" {
    suite_of_gtest
    export GOOD=1
    watch gtest ./suite --gtest_repeat=6 --gtest_shuffle --gtest_filter=Leaky.A:Clean.A
    expect_status 10
    is "$(tidemark report t.tmk --json - | jq -c '[.phases[] | select(.parent and (.name | startswith("between") | not)) | [.name, .rounds]] | sort')" \
        '[["Clean.A",6],["Leaky.A",6]]'
    is "$(tidemark report t.tmk --json - | jq -r '[.verdict.leaks[].phase] | unique | .[]' | grep '\.')" Leaky.A
    GTEST_TOTAL_SHARDS=3 GTEST_SHARD_INDEX=1 watch gtest ./suite
    is "$(tidemark report t.tmk --self --json - | jq -r '.phases[] | select(.parent) | .name' | xargs)" \
        "$(sed -n 's/^\[ RUN      \] //p' out | xargs)"
    expect_in "--gtest_brief" "$(hint gtest ./suite --gtest_brief=1)"
}

@test "ctest at once, and quietly: what its phases are worth is said" {
    missing ctest && skip "no cmake"
    mkdir build
    printf 'add_test(a sh -c "sleep 0.2")\nadd_test(b sh -c "sleep 0.2")\n' >build/CTestTestfile.cmake
    expect_in "without -j" "$(hint ctest ctest --test-dir build -j 2)"
    expect_in "--quiet" "$(hint ctest ctest --test-dir build --quiet)"
    watch ctest ctest --test-dir build -V
    is "$(below ctest | xargs)" "a b"
}

@test "pytest with dots only, and at once with xdist: no phase, and what would give some" {
    /usr/bin/python3 -c 'import pytest' 2>/dev/null || skip "no python3-pytest"
    printf 'def test_a(): pass\ndef test_b(): pass\n' >test_a.py
    expect_in "-v names each" "$(hint pytest /usr/bin/python3 -m pytest -p no:cacheprovider -q)"
    is "$(below pytest)" ""
    /usr/bin/python3 -c 'import xdist' 2>/dev/null || return 0
    expect_in "without -n" "$(hint pytest /usr/bin/python3 -m pytest -p no:cacheprovider -v -n 2)"
    is "$(below pytest)" ""
}

@test "cargo test: that tests overlap is said, unless they do not" {
    missing rustc && skip "no rustc"
    printf '#[test] fn a() {}\n#[test] fn b() {}\n' >two.rs
    rustc --test -o two two.rs
    is "$(hint cargo ./two --test-threads=1 | grep -c at.once)" 0
    is "$(RUST_TEST_THREADS=1 hint cargo ./two | grep -c at.once)" 0
    [ "$(nproc)" -eq 1 ] || is "$(hint cargo ./two | grep -c "at once")" 1
    expect_in "--quiet" "$(hint cargo ./two --quiet)"
    first=$(sed -nE 's/^Cpus_allowed_list:\s*([0-9]+).*/\1/p' /proc/self/status)
    tidemark() { taskset -c "$first" "$TIDEMARK" "$@"; }
    is "$(hint cargo ./two | grep -c "at once")" 0
}

@test "TAP with the plan at its end: every test, from where the one before it ended" {
    program late <<'C'
#include "taken.h"
int main(void) {
    all_taken();
    for (int n = 1; n <= 6; n++) {
        for (int i = 0; i < 100; i++) free(malloc(77));
        printf("# nearly there\nok %d\n", n);
        fflush(stdout);
        all_taken();
    }
    puts("1..6");
    fflush(stdout);
    all_taken();
    for (int i = 0; i < 1000; i++) free(malloc(77));
    return 0;
}
C
    watch tap ./late
    expect_status 0
    is "$(below tap | xargs)" "test 1 test 2 test 3 test 4 test 5 test 6"
    tidemark report t.tmk --json - | jq -e '[.phases[] | select(.parent == "tap") | .allocations] | min >= 100 and max < 110' >/dev/null
    tidemark report t.tmk --json - | jq -e '.phases[] | select(.name == "tap") | .allocations < 700' >/dev/null
}

@test "doctest, by the times it prints" {
    [ -e /usr/include/doctest/doctest.h ] || skip "no doctest-dev"
    cat >cases.cc <<'CPP'
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include "taken.h"
static void work() { for (int i = 0; i < 100; i++) free(malloc(77)); }
TEST_CASE("adds") { work(); }
TEST_CASE("adds more") { work(); }
int main(int argc, char **argv) {
    int failed = doctest::Context(argc, argv).run();
    all_taken();
    return failed;
}
CPP
    g++ -g -O0 -I "$ROOT/tests/cli" cases.cc -o cases
    watch doctest ./cases --duration
    expect_status 0
    is "$(below doctest)" "adds
adds more"
    expect_in "--duration" "$(hint doctest ./cases)"
}
