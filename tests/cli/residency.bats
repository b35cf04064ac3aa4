#!/usr/bin/env bats
# Who holds the resident pages, of a program that knows it: what it touches, keeps, frees, maps and uses as stack.
load helper

# Records a program of which each mark is worth a look; it rests for its argument, in ms, before one. Looks may cost one part
# in a hundred of the time: where the trace says that one was left out for that, the program rests longer.
record_looked() { # PROGRAM
    local rest
    for rest in 200 800 3200 12800; do
        rm -rf t.tmk t.tmk.d
        tidemark record -q -o t.tmk -- "$1" "$rest"
        for trace in t.tmk t.tmk.d/*; do
            [ ! -e "$trace" ] || records "$trace"
        done | grep -q '^memory .*flags=5$' || return 0
    done
}

holder() {
    program holder -pthread <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <tidemark.h>

enum { MIB = 1 << 20, BLOCKS = 4096 };
static pthread_barrier_t deep, over;

static void *dive(void *unused) {
    char frame[3 * MIB];
    memset(frame, 1, sizeof frame);
    pthread_barrier_wait(&deep);
    pthread_barrier_wait(&over);
    return frame[7] ? unused : NULL;
}

__attribute__((noinline)) static char *few_of_many(void) { return malloc(4000); }
__attribute__((noinline)) static char *mostly_untouched(void) {
    return mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(int argc, char **argv) {
    static char *blocks[BLOCKS];
    if (argc != 2) return 1;
    pthread_t thread;
    pthread_barrier_init(&deep, NULL, 2);
    pthread_barrier_init(&over, NULL, 2);
    for (int i = 0; i < BLOCKS; i++) memset(blocks[i] = few_of_many(), 1, 4000);
    for (int i = 0; i < BLOCKS; i++)
        if (i % 16) free(blocks[i]);
    memset(mostly_untouched(), 1, 5 * MIB);
    pthread_create(&thread, NULL, dive, NULL);
    pthread_barrier_wait(&deep);
    usleep(1000u * (unsigned)atoi(argv[1]));
    tidemark_mark("all is there");
    pthread_barrier_wait(&over);
    pthread_join(thread, NULL);
    return 0;
}
C
    record_looked ./holder
}

# 8 MiB in a child, and little in its parent.
family() {
    program family <<'C'
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <tidemark.h>
__attribute__((noinline)) static void of_child(const char *rest) {
    memset(malloc(8 << 20), 1, 8 << 20);
    usleep(1000u * (unsigned)atoi(rest));
    tidemark_mark("all is there");
}
int main(int argc, char **argv) {
    pid_t child = argc == 2 ? fork() : -1;
    if (child == 0) {
        of_child(argv[1]);
        return 0;
    }
    waitpid(child, NULL, 0);
    return 0;
}
C
    record_looked ./family
}

# Two values agree within a part of the first.
near() { jq -en --argjson a "$1" --argjson b "$2" --argjson part "$3" '($a - $b | fabs) <= $a * $part' >/dev/null ||
    { echo "$1 and $2 differ by more than $3"; return 1; }; }

@test "every resident page is in one part, and the parts are RSS" {
    holder
    tidemark report -q --json r.json t.tmk
    jq -e '.residency.looks | length >= 2' r.json
    jq -e '.residency.looks | all(.resident_bytes == .sites_bytes + .free_bytes + .stack_bytes + .code_bytes
        + .file_bytes + .recorder_bytes + .other_bytes)' r.json
    jq -e '.residency.looks | all((.resident_bytes - .rss_bytes | fabs) <= .rss_bytes / 100)' r.json
    jq -e '.residency as $r | ([.sites[].rss_bytes] | add) + $r.other_sites_bytes == $r.looks[-1].sites_bytes' r.json
}

@test "what the program did is what is said: kept, freed, touched, stacks" {
    holder
    tidemark report -q --json r.json t.tmk
    jq '[.residency.looks[] | select(.at_edge)][0]' r.json >mark.json
    near $((15 * 4096 * 4096 / 16)) "$(jq .free_bytes mark.json)" 0.3
    near $((59 << 20)) "$(jq .untouched_bytes mark.json)" 0.01
    near $((3 << 20)) "$(jq .stack_bytes mark.json)" 0.1
    near $((5 << 20)) "$(jq '.sites[] | select(.function == "mostly_untouched") | .rss_bytes' r.json)" 0.001
    jq -e '.sites[] | select(.function == "few_of_many") | .rss_bytes >= 256 * 4000 and .alone_bytes > .wasted_bytes' r.json
    jq -e '.residency.pins | length > 0 and all(.free_below_bytes > 0)' r.json
    jq -e '.residency.files | any(.path | test("libc.so"))' r.json
}

# 24 MiB lie free below one block, until malloc_trim gives them back.
@test "blocks in the way are those of the moment at which most lay below them" {
    program corked <<'C'
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <tidemark.h>
__attribute__((noinline)) static char *cork(void) { return malloc(2000); }
int main(int argc, char **argv) {
    static char *blocks[6144];
    if (argc != 2) return 1;
    for (int i = 0; i < 6144; i++) memset(blocks[i] = malloc(4000), 1, 4000);
    char *last = cork();
    memset(last, 1, 2000);
    for (int i = 0; i < 6144; i++) free(blocks[i]);
    usleep(1000u * (unsigned)atoi(argv[1]));
    tidemark_mark("all is there");
    malloc_trim(0);
    usleep(1000u * (unsigned)atoi(argv[1]));
    tidemark_mark("given back");
    return 0;
}
C
    record_looked ./corked
    tidemark report -q --json r.json t.tmk >r.txt
    near $((6144 * 4016)) "$(jq '.residency.pins[0].free_below_bytes' r.json)" 0.01
    jq -e '.residency as $r | $r.pins[0].site as $cork | any(.sites[]; .id == $cork and .function == "cork") and
        ([$r.looks[] | select(.at_edge)][0].t == $r.pins_t)' r.json
    grep -qE "in the way at [0-9]+ ms: 23\.[0-9] MiB lie free below a block of 1\.95 KiB \(0 live blocks are higher\)" r.txt
}

@test "of several processes the one with most is shown, and it is said which" {
    family
    both tidemark report --json r.json --markdown r.md t.tmk
    expect_status 0
    jq -e '.residency.process == .processes[1].pid and .processes[1].pid != .processes[0].pid' r.json
    jq -e '.residency as $r | ([.sites[] | select(.process == $r.process) | .rss_bytes] | add) + $r.other_sites_bytes == $r.looks[-1].sites_bytes' r.json
    jq -e '.residency.looks | all(.t >= 0) and (last.sites_bytes >= 8 * 1048576)' r.json
    expect_in "Of family, pid $(jq .residency.process r.json), which had most resident of the 2 processes" "$(tr -s ' \n' ' ' <<<"$output")"
    expect_in 'Of family, which had most' "$(cat r.md)"
}

@test "the text and the Markdown report say so" {
    holder
    both tidemark report t.tmk --markdown r.md
    expect_status 0
    expect_in 'Resident pages' "$output"
    expect_in 'free, kept by the allocator' "$output"
    expect_in 'mostly_untouched' "$(sed -n '/^Resident pages/,$p' <<<"$output")"
    expect_in 'malloc_trim(0) would give back' "$(tr -s ' \n' ' ' <<<"$output")"
    expect_in '| live blocks of call sites |' "$(cat r.md)"
}

@test "looks cost no more than their share however many edges there are" {
    program edges <<'C'
#include <tidemark.h>
int main(void) {
    for (int i = 0; i < 20000; i++) tidemark_mark("edge");
    return 0;
}
C
    tidemark record -q -o t.tmk -- ./edges
    tidemark info --verify t.tmk
    [ "$(records t.tmk | grep -c '^memory .*flags=3$')" -lt 200 ]
    records t.tmk | grep -q '^memory .*flags=5$'
}

@test "after setuid there are still looks" {
    [ "$(id -u)" = 0 ] || skip "needs root"
    program other <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <tidemark.h>
int main(int argc, char **argv) {
    if (argc != 2 || setgid(65534) || setuid(65534)) return 1;
    memset(malloc(3 << 20), 1, 3 << 20);
    usleep(1000u * (unsigned)atoi(argv[1]));
    tidemark_mark("as nobody");
    return 0;
}
C
    record_looked ./other
    tidemark report -q --json r.json t.tmk
    jq -e '[.residency.looks[] | select(.at_edge)] | length == 1 and .[0].sites_bytes >= 3 * 1048576' r.json
}
