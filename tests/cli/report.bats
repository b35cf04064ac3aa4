#!/usr/bin/env bats
# What a report says, against a program whose every number is known.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    cat >known.c <<'C'
#include <stdlib.h>
#include "tidemark.h"
static void *kept[100];
static int count;
__attribute__((noinline)) static void leaky(void) { kept[count++] = malloc(1000); }
__attribute__((noinline)) static void churn(void) {
    for (int i = 0; i < 50; i++) free(malloc(64));
}
__attribute__((noinline)) static void spike(void) {
    char *volatile block = malloc(3000000);
    block[0] = 1;
    free(block);
}
int main(void) {
    for (int round = 0; round < 12; round++) {
        tidemark_phase_begin("load");
        tidemark_op_begin("request");
        leaky();
        churn();
        tidemark_op_end("request", round != 3);
        tidemark_items(10);
        tidemark_phase_end("load");
        if (round == 5) spike();
    }
    tidemark_value("answer", 42.5);
    tidemark_mark("done");
    return 7;
}
C
    cc -O1 -g -fno-builtin -I"$BATS_TEST_DIRNAME/../../include" known.c -o known
    "${TIDEMARK:-${BUILD:-$BATS_TEST_DIRNAME/../../build}/tidemark}" record -q -o known.tmk ./known || true
}

json() { # JQ-FILTER, options of report...
    local filter=$1
    shift
    tidemark report "$BATS_FILE_TMPDIR/known.tmk" --json - "$@" | jq -c "$filter"
}

is() { # what it is, what it should be
    [ "$1" = "$2" ] || { echo "$1 instead of $2"; return 1; }
}

@test "the phase: rounds, items, operations and what stays of them" {
    is "$(json '.phases[] | select(.name == "load") | [.rounds, .items, .allocations, .allocated_bytes, .retained_bytes, .retained_per_round]')" \
        '[12,120,612,50400,12000,1000]'
    is "$(json '.phases[] | select(.name == "load") | .ops[] | [.name, .count, .ok, .failed, .rejected, .peak_in_flight]')" \
        '["request",12,11,1,0,1]'
    is "$(json '.phases[] | select(.name == "load") | [.instances[].round]')" '[1,2,3,4,5,6,7,8,9,10,11,12]'
    is "$(json '.phases[] | select(.name == "between load") | .rounds')" 11
    is "$(json '[.phases[].values[] | [.name, .last]]')" '[["answer",42.5]]'
}

@test "the sites: what each allocated, kept and gave back" {
    is "$(json '.sites[] | select(.function == "leaky") | [.allocations, .allocated_bytes, .live_bytes_end, .live_blocks_end, .temporary, .file, .line]')" \
        '[12,12000,12000,12,0,"'"$BATS_FILE_TMPDIR"'/known.c",5]'
    is "$(json '[.sites[] | select(.function == "churn") | .allocations, .temporary, .live_bytes_end]')" '[600,600,0]'
    is "$(json '[.sites[] | select(.function == "spike") | .peak_bytes]')" '[3000000]'
}

@test "the size of the trace is what it takes on the disk, holes not counted" {
    is "$(json .trace.size_bytes)" "$(($(stat -c '%b * %B' "$BATS_FILE_TMPDIR/known.tmk")))"
    tidemark info "$BATS_FILE_TMPDIR/known.tmk" | grep -Eq "^on the disk +$(json .trace.size_bytes)$"
    tidemark info "$BATS_FILE_TMPDIR/known.tmk" | grep -Eq "^with holes +$(stat -c %s "$BATS_FILE_TMPDIR/known.tmk")$"
}

@test "all sites together are the totals" {
    is "$(json '[.sites[].allocations] | add' --top 100000)" "$(json '.totals | .allocations + .mappings')"
    is "$(json '[.sites[].live_bytes_end] | add' --top 100000)" "$(json '.totals.live_bytes_end')"
    is "$(json '[.sites[].temporary] | add' --top 100000)" "$(json '.totals.temporary_allocations')"
}

@test "the leak is found, with its phase, and the exit status of check" {
    is "$(json '[.verdict.leaks[] | .phase]')" '["load"]'
    is "$(json '[.sites[] | select(.growth[]?.class == "leak") | .function]')" '["leaky"]'
    both tidemark check "$BATS_FILE_TMPDIR/known.tmk"
    expect_status 10
}

@test "the curve keeps the peak with few points, in the order of time" {
    for points in 4 10 1000; do
        is "$(json "(.curve | length) <= $points" --points $points)" true
        is "$(json '([.curve[].live_bytes] | max) == .totals.peak_live_bytes' --points $points)" true
        is "$(json '[.curve[].t] | . == sort' --points $points)" true
    done
    [ "$(json '.totals.peak_live_bytes')" -ge 3000000 ]
}

@test "how it ended" { is "$(json '.processes[0].exit')" '{"kind":"code","code":7}'; }

@test "filters change what is shown, never the verdict" {
    local verdict
    verdict=$(json '.verdict')
    for filter in "--site churn" "--module libc*" "--top 1" "--min-size 2000" "--max-size 100" "--lifetime 10s.." \
        "--to 1us" "--thread nobody" "--phase none" "--sort allocations" "--points 2"; do
        # shellcheck disable=SC2086
        is "$(json '.verdict' $filter)" "$verdict"
    done
    is "$(json '[.sites[].function] - ["leaky"]' --site '^chu')" '["churn"]'
    is "$(json '[.sites[] | select(.allocations > 0) | .function]' --min-size 2M)" '["spike"]'
    is "$(json '[.phases[].name]' --phase 'lo*')" '["load"]'
    is "$(json '.phases[0].instances | map(.round)' --phase 'load#4')" '[4]'
    is "$(json '[.sites[0].function]' --sort allocations)" '["churn"]'
}

@test "findings of what the filters leave out are not told, but counted" {
    tidemark report "$BATS_FILE_TMPDIR/known.tmk" >all.txt
    tidemark report "$BATS_FILE_TMPDIR/known.tmk" --site '^spike$' --markdown shown.md >shown.txt
    grep -q '1 leak  leaky in load' all.txt
    grep -q '1 left out by the filters' shown.txt
    grep -q '1 left out by the filters' shown.md
    if grep -q '1 leak  leaky' shown.txt; then false; fi
    tidemark report "$BATS_FILE_TMPDIR/known.tmk" --phase none | grep -q '1 left out by the filters'
    tidemark report "$BATS_FILE_TMPDIR/known.tmk" --min-size 2M | grep -q '1 left out by the filters'
    tidemark report "$BATS_FILE_TMPDIR/known.tmk" --top 0 | grep -q '1 leak  leaky in load'
}

@test "of more call sites than are shown it is said how many, and --top shows them" {
    {
        printf '#include <stdlib.h>\nstatic void *volatile kept;\n'
        printf '__attribute__((noinline)) void f%d(void) { kept = malloc(10); kept = malloc(10);\nkept = malloc(10); }\n' {1..2000}
        printf 'int main(void) {\n'
        printf 'f%d();\n' {1..2000}
        printf '}\n'
    } >many.c
    cc -O1 -g -fno-builtin many.c -o many
    tidemark record -q -o many.tmk ./many
    is "$(tidemark report many.tmk --top 1000000 --json - | jq -c '[.sites[] | select(.function | startswith("f")).allocations] | add')" 6000
    is "$(tidemark report many.tmk --top 1000000 --json - | jq '(.sites | length) == .sites_total')" true
    fails grep -q 'more (--top' <(tidemark report many.tmk --top 1000000)
    tidemark report many.tmk | grep -Eq '… [0-9]+ more \(--top N\)$'
}

@test "the report follows the published schema" {
    tidemark report "$BATS_FILE_TMPDIR/known.tmk" --json report.json --markdown report.md >report.txt
    /usr/bin/python3 -c 'import json, jsonschema, sys
jsonschema.validate(json.load(open("report.json")), json.load(open(sys.argv[1])))' "$ROOT/docs/report.schema.json"
    [ -s report.md ]
    [ -s report.txt ]
}

@test "a line of the JSON report is a whole call site; of very many that leak the first hundred show who survived" {
    {
        printf '#include <stdlib.h>\n#include "tidemark.h"\nstatic void *volatile kept;\n'
        printf '__attribute__((noinline)) void leaky%d(void) { kept = malloc(100); }\n' {1..128}
        echo 'int main(void) { for (int round = 0; round < 6; round++) { tidemark_phase_begin("load");'
        printf 'leaky%d();\n' {1..128}
        echo 'tidemark_phase_end("load"); } }'
    } >many.c
    cc -O1 -g -fno-builtin -I"$ROOT/include" many.c -o many
    tidemark record -q -o many.tmk ./many
    tidemark report many.tmk --json many.json >/dev/null
    jq -e '(.verdict.leaks | length) == 128' many.json
    is "$(jq -c '[.sites[] | select(.growth[]?.class == "leak") | .growth[].evidence.alive | length] | [length, (map(select(. > 0)) | length)]' many.json)" '[128,100]'
    is "$(jq '[.sites[] | select(.growth[]?.class == "leak" and (.ages | length) > 0)] | length' many.json)" 100
    is "$(grep -c '^  {"id": "' many.json)" "$(jq '.sites | length' many.json)"
    grep '^  {"id": "' many.json | sed 's/,$//' | jq -es 'map(.stack[0].function) | index("leaky1")'
    is "$(tidemark check many.tmk --json - | sed -n 's/^  "result": "\([a-z]*\)",$/\1/p')" leak
}

@test "rules in JSON: as they are shown, and as numbers" {
    printf '[run]\nmax-live = 1k\nexpect-exit = 7\n[phase]\nmatch = load\nmax-duration = 5m\nmin-success = 50%%\n[phase]\nmatch = none\nmax-rss = 1G\n' >rules.ini
    tidemark check "$BATS_FILE_TMPDIR/known.tmk" --budget rules.ini --json t.json >/dev/null || true
    /usr/bin/python3 -c 'import json, jsonschema, sys
jsonschema.validate(json.load(open("t.json")), json.load(open(sys.argv[1])))' "$ROOT/docs/report.schema.json"
    is "$(jq -c '[.verdict.budgets[] | [.unit, .allowed]]' t.json)" \
        '[["bytes",1024],[null,null],["ns",300000000000],["share",0.5],[null,null]]'
    is "$(jq -c '.verdict.budgets[0].measured == .totals.peak_live_bytes' t.json)" true
    is "$(jq -c '.verdict.budgets[2].measured == (.phases[] | select(.name == "load") | .duration_ns)' t.json)" true
}

@test "info counts what is in the file and proves it whole" {
    both tidemark info --verify "$BATS_FILE_TMPDIR/known.tmk"
    expect_status 0
    expect_in "verified       whole" "$output"
    expect_in "0 impossible" "$output"
    fallbacks="$(tidemark dump --no-events "$BATS_FILE_TMPDIR/known.tmk" | grep -Eo ' libunwind=[0-9]+')"
    expect_in "unwinding      ${fallbacks#*=} by libunwind" "$output"
}

@test "dump is what the independent decoder prints" {
    tidemark dump "$BATS_FILE_TMPDIR/known.tmk" >ours
    python3 "$ROOT/tests/decode.py" "$BATS_FILE_TMPDIR/known.tmk" >theirs
    cmp ours theirs
    [ "$(wc -l <ours)" -gt 1200 ]
}

@test "dump --no-events prints all lines but those of events" {
    tidemark dump "$BATS_FILE_TMPDIR/known.tmk" | grep -v '^event ' >wanted
    tidemark dump --no-events "$BATS_FILE_TMPDIR/known.tmk" | diff wanted -
    grep -q '^node ' wanted
    grep -q '^record ' wanted
}

@test "phases from a file: as long as it says, repeated ones are rounds, a wrong line is told" {
    program sleeper <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    for (int i = 0; i < 10; i++) {
        free(malloc(100));
        usleep(20000);
    }
    return 0;
}
C
    "$TIDEMARK" record -q -o t.tmk ./sleeper
    printf 'name,begin_s,end_s\n# made by hand\nearly,0.01,0.04\nwork,0.05,0.08\nwork,0.08,0.12\n' >phases.csv
    both tidemark report t.tmk --phases phases.csv --json -
    expect_status 0
    [ "$(jq '.phases[] | select(.name == "early") | .duration_ns / 1e6 | round' <<<"$output")" -eq 30 ]
    [ "$(jq '.phases[] | select(.name == "work") | .rounds' <<<"$output")" -eq 2 ]
    printf 'early,0.01,0.04\nlate,1\n' >wrong.csv
    both tidemark check t.tmk --phases wrong.csv
    expect_status 2
    expect_in "wrong.csv:2:" "$errors"
    printf 'early,0.01,0.04\nlate,1000,1001\n' >later.csv
    both tidemark report t.tmk --phases later.csv --json -
    expect_status 0
    [ "$(jq '.trace.duration_ns < 1e10 and all(.phases[]; .name != "late")' <<<"$output")" = true ]
    expect_in "1 of 2 phases of the file begin after the recording ended" "$(jq -r '.doubts[]' <<<"$output")"
}

@test "phases from a file as spreadsheets and csv modules write it" {
    python3 - >quoted.csv <<'PY'
import csv, sys
sys.stdout.write("\ufeff")
rows = csv.writer(sys.stdout, quoting=csv.QUOTE_ALL)
rows.writerow(["name", "begin_s", "end_s"])
rows.writerow(["load, all", 0, 0.0001])
rows.writerow(['the "big" one', 0, 0.0001])
rows.writerow(['""', 0, 0.0001])
PY
    printf 'no, quotes,0,0.0001\n"half,0,0.0001\n' >>quoted.csv
    tidemark report "$BATS_FILE_TMPDIR/known.tmk" --phases quoted.csv --json - >t.json
    [ "$(jq -c '[.phases[].name] - ["run", "load", "between load"]' t.json)" = \
        '["load, all","the \"big\" one","\"\"","no, quotes","\"half"]' ] || { jq -c '[.phases[].name]' t.json; return 1; }
}

@test "phases by function: each call is a round, a loop inside is none, and so a leak in it is found" {
    program byfunction -O2 -fno-inline -fno-optimize-sibling-calls <<'END'
#include <stdlib.h>
#include <string.h>
struct row { struct row *next; char *text; };
static struct row *rows;
static char *copy(const char *s) { return strcpy(malloc(strlen(s) + 1), s); }
void load(int n) {
    for (int i = 0; i < n; i++) {
        struct row *r = malloc(sizeof *r);
        r->text = copy("row");
        r->next = rows;
        rows = r;
    }
}
void query(int n) {
    char *buffer = malloc(256);
    for (int i = 0; i < n; i++) free(copy(buffer + 255));
    free(buffer);
}
void handle(int i) {
    char *answer = copy("answer");
    if (i % 2) free(answer);
    free(copy("log"));
}
int main(void) {
    load(500);
    for (int i = 0; i < 60; i++) query(10);
    for (int i = 0; i < 50; i++) handle(i);
    return rows == 0;
}
END
    tidemark record -q -o t.tmk ./byfunction
    rounds() { tidemark report t.tmk --phase-by-function "$1" --json - | jq -c '[.phases[] | select(.name == "work") | .rounds]'; }
    [ "$(rounds work=^load$)" = '[1]' ]
    [ "$(rounds work=^query$)" = '[60]' ]
    [ "$(rounds 'work=^handle$')" = '[50]' ]
    [ "$(rounds 'work=^copy$')" = '[1200]' ]
    inside() { tidemark report t.tmk --phase-by-function "$1" --json - | jq '.phases[] | select(.name == "work") | .allocations'; }
    [ "$(inside work=^load$)" -eq 1000 ]
    [ "$(inside work=^query$)" -eq 660 ]
    [ "$(inside 'work=^handle$')" -eq 100 ]
    mv t.tmk 'a trace.tmk'
    both tidemark check 'a trace.tmk'
    expect_in "hint: tidemark report 'a trace.tmk' --phase-by-function FUNCTION takes each call" "$output"
    mv 'a trace.tmk' t.tmk
    both tidemark check t.tmk --phase-by-function handle
    expect_status 10
    expect_in "copy in handle" "$output"
    both tidemark check t.tmk --phase-by-function query --phase-by-function load
    expect_status 0
    expect_in "phase load: one call of such a function, or several that allocations can't tell apart" \
        "$(tr -s '\n ' ' ' <<<"$output")"
    fails grep -q "phase query: one call" <<<"$output"
    both tidemark check t.tmk --phase-by-function nosuch
    expect_in "phase nosuch: no allocation was made below such a function; outermost with a name:" "$output"
    expect_in "load, query, handle" "$(tr -s '\n ' ' ' <<<"$output")"
    both tidemark check t.tmk --phase-by-function 'a=('
    expect_status 2
}

@test "address space that is only reserved is no memory, what is mapped over it is" {
    program reserve <<'END'
#include <sys/mman.h>
int main(void) {
    char *space = mmap(0, 8ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    mmap(space + 40960, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    char *late = mmap(space + (4ul << 30), 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    munmap(late, 1 << 20);
    return munmap(space, 8192);
}
END
    tidemark record -q -o t.tmk ./reserve
    is "$(tidemark report t.tmk --json - | jq -c '[.totals.live_bytes_end, .totals.live_blocks_end, .totals.peak_live_bytes]')" \
        "[$((2 << 20)),2,$((3 << 20))]"
}

@test "growth over time: a rate with its interval, and when the limit is reached" {
    program grow <<'END'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stdio.h>
int main(void) {
    for (int i = 0; i < 40; i++) {
        puts("== round");
        fflush(stdout);
        memset(malloc(300000), 1, 300000);
        usleep(5000);
    }
}
END
    tidemark record -q --phase-from-output '== (round)' -o t.tmk ./grow >out
    printf '[run]\nmax-rss = 100M\n' >budget
    tidemark check t.tmk --budget budget --json t.json >out || true
    jq -e '.phases[] | select(.name == "run") | .diagnosis == "growing" and .limit_bytes == 104857600
        and .rss_growth_per_s.low > 0 and .rss_growth_per_s.low <= .rss_growth_per_s.value
        and (.limit_s * .rss_growth_per_s.value + .rss_end - .limit_bytes | fabs) < 10' t.json
    tidemark report t.tmk | grep -q 'RSS grows .* a second (95%: .*), live bytes .*; at this rate'
}

@test "memory that no hook saw: the headline says that RSS grows, although no call site does" {
    program unseen <<'END'
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tidemark.h"
int main(void) {
    for (int round = 0; round < 30; round++) {
        tidemark_phase_begin("work");
        void *pages = (void *)syscall(SYS_mmap, 0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(pages, 1, 1 << 20);
        void *volatile block = malloc(100);
        free(block);
        usleep(10000);
        tidemark_phase_end("work");
    }
}
END
    tidemark record -q -o t.tmk ./unseen
    tidemark report t.tmk | head -n 1 >out
    grep -q '^PASS  no call site keeps growing, but RSS does in work (unexplained)$' out
}

@test "start-up is no warning where phases repeat, and one where nothing does" {
    program start <<'END'
#include <stdlib.h>
#include "tidemark.h"
static void *kept[4000];
int main(int count, char **names) {
    (void)names;
    for (int i = 0; i < 4000; i++) kept[i] = malloc(10 + i % 9);
    for (int round = 0; round < 20 && count > 1; round++) {
        tidemark_phase_begin("work");
        for (int i = 0; i < 20; i++) free(malloc(100));
        tidemark_phase_end("work");
    }
}
END
    tidemark record -q -o phases.tmk ./start phases
    tidemark record -q -o none.tmk ./start
    is "$(tidemark check phases.tmk --json - | jq -c '[.verdict.result, (.verdict.warnings | length)]')" '["pass",0]'
    is "$(tidemark check none.tmk --json - | jq -c '[.verdict.result, .verdict.warnings[].class]')" '["warn","growing"]'
}

@test "what one test of a suite sets up is no warning, and what grows through one is" {
    program tests <<'END'
#include <stdio.h>
#include <stdlib.h>
#include "tidemark.h"
static void *kept[400];
int main(int count, char **names) {
    (void)names;
    tidemark_phase_begin("suite");
    for (int test = 0; test < 8; test++) {
        char name[20];
        snprintf(name, sizeof name, "test %d", test);
        tidemark_phase_begin(name);
        for (int i = 0; i < 400; i++) {
            if (test == 4 && (count > 1 || i % 150 == 50)) kept[i] = malloc(60);
            free(malloc(100));
        }
        tidemark_phase_end(name);
    }
    tidemark_phase_end("suite");
}
END
    tidemark record -q -o once.tmk ./tests
    tidemark record -q -o grows.tmk ./tests grows
    is "$(tidemark check once.tmk --json - | jq -c '[.verdict.result, ([.sites[].growth[].class] | index("sparse") != null)]')" \
        '["pass",true]'
    is "$(tidemark check grows.tmk --json - | jq -c '[.verdict.warnings[] | select(.phase == "test 4").class]')" '["growing"]'
}

@test "of many doubts the first are told, and what kind of events contradict others" {
    PYTHONPATH=$ROOT/tests/hostile python3 - <<'P'
import craft
made = craft.Trace()
records = [craft.process(lambda which: which), craft.clock(0), craft.record(craft.THREAD, 1, 100, 1, "main")]
for n in range(1, 13):
    base = n << 24
    records.append(craft.record(craft.MODULE, n, 0, base, base + (1 << 20), base, f"/none/lib{n}.so", b"", 0))
made.records(*records, craft.clock(1000))
made.nodes(1, [(0, (n << 24) + 0x100, n) for n in range(1, 13)])
made.ring(1, [craft.event(craft.ALLOC, 10 + n, 0x10000, 100, n) for n in range(1, 13)])
made.write("t.tmk")
P
    tidemark report t.tmk >out
    grep -q "11 events contradict others: an allocation where a block was live, or the end of a realloc that" out
    [ "$(grep -c 'is not here' out)" -lt 12 ]
    grep -q '… and [0-9]* more (--top N or --json shows them)$' out
    [ "$(tidemark report t.tmk --top 100 | grep -c 'is not here')" -eq 12 ]
    tidemark report t.tmk --markdown - | grep -q '^- … and [0-9]* more$'
}

@test "one line that leaks on several stacks is summed up" {
    program callers -O1 <<'END'
#include <stdlib.h>
#include "tidemark.h"
static void *volatile kept;
__attribute__((noinline)) static void make(int size) { kept = malloc((size_t)size); }
__attribute__((noinline)) static void first(void) { make(100), kept = NULL; }
__attribute__((noinline)) static void second(void) { make(200), kept = NULL; }
int main(void) {
    for (int round = 0; round < 20; round++) {
        tidemark_phase_begin("work");
        first(), second();
        tidemark_phase_end("work");
    }
}
END
    tidemark record -q -o t.tmk ./callers
    tidemark check t.tmk >out || true
    grep -qx '  together  make, <stdin>:4, in work: 2 stacks, 300 B per round' out
    tidemark check t.tmk --markdown - >out || true
    grep -q '^- together: make, .* in work: 2 stacks, 300 B per round$' out
}

@test "what is not judged says how many rounds it lacks" {
    program late -O1 <<'END'
#include <stdlib.h>
#include "tidemark.h"
static void *volatile kept;
int main(void) {
    for (int round = 0; round < 12; round++) {
        tidemark_phase_begin("work");
        if (round > 9) kept = malloc(100);
        if (round > 8) kept = malloc(100);
        tidemark_phase_end("work");
    }
}
END
    tidemark record -q -o t.tmk ./late
    tidemark report t.tmk | head -n 1 >out
    grep -qx 'PASS  nothing that grew could be judged; 2 need up to 2 more rounds' out
}

@test "bytes an event are told where events are what fills the trace" {
    program many <<<'#include <stdlib.h>
    int main(int count, char **names) { (void)names; for (int i = 0; i < (count > 1 ? 20000 : 20); i++) free(malloc(10)); }'
    tidemark record -q -o few.tmk ./many
    tidemark record -q -o many.tmk ./many x
    fails grep -q "bytes each" < <(tidemark report few.tmk)
    grep -qE ' events in .* \([0-9.]+ bytes each\)' < <(tidemark report many.tmk)
}

@test "without a terminal COLUMNS says how wide the text may be: from 80 to 160" {
    program wide < "$ROOT/samples/quickstart/quickstart.c"
    tidemark record -q -o t.tmk ./wide --leak >/dev/null
    widest() { COLUMNS=$1 LC_ALL=C.UTF-8 tidemark report t.tmk | LC_ALL=C.UTF-8 wc -L; }
    [ "$(widest 80)" -le 80 ]
    [ "$(widest 40)" -le 80 ]
    [ "$(widest 130)" -eq 130 ]
    [ "$(widest 999)" -eq 160 ]
    [ "$(widest x)" -eq 100 ]
    [ "$(widest '')" -eq 100 ]
}

@test "files are written also when nobody reads the text to its end" {
    program leaky -ldl < "$ROOT/samples/quickstart/quickstart.c"
    tidemark record -q -o t.tmk ./leaky >/dev/null
    tidemark report t.tmk --html r.html --json r.json | true
    jq -e .verdict r.json >/dev/null
    grep -q '</html>' r.html
}

@test "an interpreter's own pools hide its objects: that is said, and how to see them" {
    [ -x /usr/bin/python3 ] || skip "no python3"
    cat >lru.py <<'PY'
import ctypes
recorder, cache = ctypes.CDLL(None), {}
for number in range(24 * 60):
    if number % 60 == 0: recorder.tidemark_phase_begin(b"work")
    cache[number] = number
    if len(cache) > 400: del cache[next(iter(cache))]
    if number % 60 == 59: recorder.tidemark_phase_end(b"work")
PY
    doubts() { tidemark report t.tmk --json - | jq -r '.doubts[]' | grep -c "PYTHONMALLOC=malloc"; }
    PYTHONMALLOC=pymalloc tidemark record -q -o t.tmk /usr/bin/python3 lru.py
    [ "$(doubts)" -eq 1 ]
    PYTHONMALLOC=malloc tidemark record -q -o t.tmk /usr/bin/python3 lru.py
    fails doubts
    tidemark check t.tmk | grep -q ^PASS
}

@test "stacks through code without unwind tables are told" {
    cat >through.c <<'C'
#include <stdlib.h>
void *kept;
__attribute__((noinline)) void make(void) { kept = malloc(1000); }
void through(void);
#ifdef TABLE
#define CFI(text) text
#else
#define CFI(text) ""
#endif
__asm__(".text\n.globl through\nthrough:\n" CFI(".cfi_startproc\n") "push %rbp\n" CFI(".cfi_def_cfa_offset 16\n.cfi_offset 6, -16\n")
        "mov %rsp, %rbp\ncall make\npop %rbp\n" CFI(".cfi_def_cfa_offset 8\n") "ret\n" CFI(".cfi_endproc\n"));
int main(void) {
    through();
    return 0;
}
C
    gcc -O1 through.c -o plain
    tidemark record -q -o t.tmk ./plain
    expect_in "lead through code without unwind tables" "$(tidemark report t.tmk --json - | jq -r '.doubts[]')"
    tidemark dump t.tmk | grep -q "flags=guessed"
    gcc -O1 -DTABLE through.c -o table
    tidemark record -q -o t.tmk ./table
    [[ "$(tidemark report t.tmk --json - | jq -r '.doubts[]')" != *"unwind tables"* ]]
}
