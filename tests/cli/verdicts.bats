#!/usr/bin/env bats
# Verdicts on programs that were not written for them: clean interpreters and tools over many rounds must not leak, and small
# classics must be told apart. VERDICT_ROUNDS (default 24) makes the real ones longer.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    cat >classics.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "tidemark.h"
void *volatile last;
static unsigned long long seed = 88172645463325252ull;
static unsigned draw(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 16);
}
__attribute__((noinline)) static void keep(size_t size) { last = malloc(size); }
static void drop(void) {
    void *volatile block = malloc(64);
    free(block);
}

static void zipf_cache(int round) {
    static void *volatile cache[400];
    for (int i = 0; i < 50; i++) {
        int key = 100000 / (int)(draw() % 100000 + 1) % 400;
        if (!cache[key]) cache[key] = malloc(300);
    }
    (void)round;
}
static void cache_of_rising_values(int round) {
    static void *volatile cache[100];
    static unsigned at;
    for (int i = 0; i < 30; i++, at++) {
        void *oldest = cache[at % 100];
        cache[at % 100] = malloc(50 + 20 * (size_t)round);
        free(oldest);
    }
}
static void released_five_rounds_later(int round) {
    static void *volatile waiting[5];
    free(waiting[round % 5]);
    waiting[round % 5] = malloc(77);
}
static void ring(int round) {
    static void *volatile lines[64];
    static unsigned at;
    for (int i = 0; i < 7; i++, at++) {
        free(lines[at % 64]);
        lines[at % 64] = malloc(20 + draw() % 100);
    }
    (void)round;
}
static void first_rounds_only(int round) { round < 8 ? keep(500) : drop(); }

static void *work(void *number) {
    for (int i = 0; i < 50; i++) drop();
    if (*(int *)number == 3) keep(33);
    return NULL;
}
static void one_thread_of_many(int round) {
    pthread_t threads[8];
    int numbers[8];
    for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, work, (numbers[i] = i, &numbers[i]));
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    (void)round;
}
static void one_in_fifty_fails(int round) {
    for (int i = 0; i < 50; i++) draw() % 50 ? drop() : keep(64);
    (void)round;
}
static void late(int round) { round >= 20 ? keep(500) : drop(); }
static void tiny(int round) {
    for (int i = 0; i < 1000; i++) drop();
    keep(1 + (size_t)round % 2);
}
static void mapping(int round) {
    last = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)round;
}
static void grown_by_realloc(int round) {
    static char *text;
    text = realloc(text, 80 * ((size_t)round + 1));
    last = text;
}

static const struct {
    const char *name;
    void (*run)(int round);
} cases[] = {{"zipf_cache", zipf_cache}, {"cache_of_rising_values", cache_of_rising_values},
             {"released_five_rounds_later", released_five_rounds_later}, {"ring", ring},
             {"first_rounds_only", first_rounds_only}, {"one_thread_of_many", one_thread_of_many},
             {"one_in_fifty_fails", one_in_fifty_fails}, {"late", late}, {"tiny", tiny}, {"mapping", mapping},
             {"grown_by_realloc", grown_by_realloc}};

int main(int argc, char **argv) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int round = 0; argc > 1 && strcmp(argv[1], cases[i].name) == 0 && round < 40; round++) {
            tidemark_phase_begin("work");
            cases[i].run(round);
            tidemark_phase_end("work");
        }
    }
}
C
    cc -O1 -g -I"$BATS_TEST_DIRNAME/../../include" classics.c -o classics -lpthread
}

setup() { cd "$BATS_FILE_TMPDIR" || exit; }

# The result and the functions that leak, of a run over rounds; what its program prints begins them.
verdict() {
    timeout 100 "$TIDEMARK" run -q -o t.tmk --json t.json --phase-from-output '^round (\w+)' "$@" >out.txt 2>err.txt || true
    jq -r '. as $r | [.verdict.leaks[] | .site as $s | $r.sites[] | select(.id == $s) | .stack[0:3][].function] as $f
        | "\(.verdict.leaks | length) \($f | join(" "))"' t.json
}

clean() {
    local told
    command -v "$1" >/dev/null || skip "no $1"
    told=$(verdict "$@")
    [ "${told%% *}" -eq 0 ] || { echo "$told"; return 1; }
    jq -e '.verdict.result != "nothing-judged"' t.json
}

@test "docs/budget.md names every key that a budget may have, and its example is one" {
    local keys
    keys=$(sed -nE 's/^    \{(SECTION_[A-Z]+|IN\([^"]*\)), "([a-z-]+)".*/\2/p' "$ROOT"/analyzer/verdict/budget{_keys,}.c | grep -v '^warn-' | sort -u)
    [ "$(wc -l <<<"$keys")" -gt 50 ]
    for key in $keys; do
        grep -qE "\`$key( |\`)" "$ROOT/docs/budget.md" || {
            echo "missing: $key"
            return 1
        }
    done
    sed -n 's/^    //p' "$ROOT/docs/budget.md" | grep -E '^(\[|[a-z-]+ =|$)' >rules.ini
    tidemark record -q -o t.tmk true
    both tidemark check t.tmk --budget rules.ini
    expect_status 12
    expect_in "no phase matches" "$output"
}

# Names are the program's; what a budget file can't hold of them is matched by ? and *.
@test "a proposed budget is one, and holds for the run that it is from, whatever its phases are called" {
    program odd <<'C'
#include <stdlib.h>
#include <string.h>
#include "tidemark.h"
static const char *const names[] = {"a*b", "[x]", "half ; colon", ";c", " lead", "trail ", "eq=ual", "q?", "#comment",
                                    "back\\slash", "tab\there", "new\nline", "col:on", "a@10", "wide \xe2\x82\xac", "bad\xff", ""};
int main(void) {
    char longest[256] = "";
    memset(longest, '*', 120);
    memset(longest + 120, 'y', 135);
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            tidemark_phase_begin(names[i]);
            tidemark_items(3);
            tidemark_phase_end(names[i]);
        }
        tidemark_phase_begin(longest);
        tidemark_phase_end(longest);
    }
    return 0;
}
C
    tidemark record -q -o t.tmk ./odd
    tidemark budget t.tmk --margin 900% -o rules.budget
    [ "$(grep -c '^match = ' rules.budget)" -eq 17 ] # the one without a name has no rules
    both tidemark check t.tmk --budget rules.budget --json t.json
    [ -z "$errors" ]
    jq -e '[.verdict.budgets[] | select(.state == "not-judged")] == []' t.json >/dev/null || {
        echo "$output"
        return 1
    }
    expect_status 0
}

# Small sites are not told, but rules look at them.
@test "a limit for a site holds for the least of many, whatever is shown" {
    python3 - >many.c <<'PY'
print('#include <stdlib.h>\nstatic void *volatile kept[300];')
for i in range(300):
    print(f'__attribute__((noinline)) static void f{i}(void) {{ kept[{i}] = malloc({90000 - 200 * i}); }}')
print('int main(void) {', *(f'f{i}();' for i in range(300)), 'return 0; }')
PY
    gcc -g -O0 many.c -o many
    tidemark record -q -o t.tmk ./many
    for i in 7 150 299; do
        printf '[site]\nmatch = ^f%s$\nmax-live = 1k\n' $i >rules.ini
        both tidemark check t.tmk --budget rules.ini
        expect_status 11
        expect_in "[site] max-live of f$i is" "$output"
        for filter in "--sort live" "--min-size 1G" "--site nobody" "--top 0"; do
            # shellcheck disable=SC2086
            [ "$(tidemark report t.tmk --budget rules.ini $filter --json - | jq -r .verdict.result)" = budget ]
        done
    done
    tidemark report t.tmk --json - | jq -e '.sites | length < 120' >/dev/null
}

@test "classics that keep memory for a while" {
    local name
    for name in zipf_cache cache_of_rising_values released_five_rounds_later ring first_rounds_only; do
        echo "$name"
        clean ./classics "$name"
    done
}

@test "classics that leak" {
    local name
    for name in one_thread_of_many=keep one_in_fifty_fails=keep late=keep tiny=keep mapping=mapping \
        grown_by_realloc=grown_by_realloc; do
        echo "$name: $(verdict ./classics "${name%=*}" | tee told)"
        grep -qw "${name#*=}" told
    done
}

@test "python3: documents, churn, a full cache, garbage, threads" {
    cat >rounds.py <<'P'
import functools, json, os, random, re, threading
random.seed(5)
@functools.lru_cache(maxsize=200)
def cached(key): return [key] * (key % 50)
class Node:
    def __init__(self): self.me, self.bytes = self, bytearray(700)
table = {}
for number in range(int(os.environ.get("VERDICT_ROUNDS", "24"))):
    print("round all", flush=True)
    document = {"k%d" % i: [i, str(i), {"x": i * 1.5}] for i in range(300)}
    assert json.loads(json.dumps(document)) == document
    for i in range(2000):
        key = random.randrange(500)
        if key in table and random.random() < .6: del table[key]
        else: table[key] = "x" * random.randrange(10, 600)
        cached(int(random.paretovariate(0.6)) % 1000)
    for i in range(300): Node()
    for i in range(20): re.findall(r"(\w+) (\d{%d})" % (i % 7 + 1), "alpha 123 beta 4567 " * 20)
    threads = [threading.Thread(target=lambda: [str(i) * 100 for i in range(200)]) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
P
    clean /usr/bin/python3 rounds.py
}

@test "perl: hashes, patterns, objects" {
    # shellcheck disable=SC2016 # Perl's own variables
    clean perl -e '$| = 1; srand 3; our %cache; for my $r (1 .. ($ENV{VERDICT_ROUNDS} || 24)) {
        print "round perl\n"; my %h; $h{"k$_"} = [1 .. 5] for 1 .. 2000;
        my $s = join ",", map {"$_=@{$h{$_}}"} sort keys %h; $s =~ s/(\d+)/$1+1/ge; my @p = split /,/, $s;
        for my $i (1 .. 40) { $cache{int rand 100} = "v" x $i; my $o = bless {a => $i, b => [1 .. 20]}, "Thing" } }'
}

@test "lua: tables, strings, coroutines" {
    clean lua5.4 -e 'io.stdout:setvbuf("no") local cache = setmetatable({}, {__mode = "v"})
        for r = 1, tonumber(os.getenv("VERDICT_ROUNDS") or 24) do print("round lua") local t = {}
        for i = 1, 2000 do t[i] = {i, tostring(i), x = i * 2} end table.sort(t, function(a, b) return a[1] > b[1] end)
        for i = 1, 200 do local c = coroutine.wrap(function() coroutine.yield(("%d"):format(i)) end) cache[i % 50] = {c()} end
        load("return " .. r)() end'
}

@test "sqlite3: transactions and queries" {
    local round
    {
        echo "create table t(a integer primary key, b text, c real); create index i on t(b);"
        for round in $(seq "${VERDICT_ROUNDS:-24}"); do
            echo ".print round sql"
            echo "begin; with recursive n(x) as (select 1 union all select x + 1 from n where x < 800)
                insert or replace into t select x % 900, 'name' || (x * $round % 977), x * 1.5 from n; commit;
                select b, sum(c) from t group by b order by 2 desc limit 3; delete from t where a % 7 = $((round % 7));"
        done
    } >rounds.sql
    clean sqlite3 :memory: ".read rounds.sql"
}

@test "jq: documents" {
    jq -nc --argjson n "${VERDICT_ROUNDS:-24}" 'range($n) | {r: ., l: [range(300) | {a: ., b: "s\(.)"}]}' >in.json
    clean jq -r '"round jq", (.l | group_by(.b) | length), (.l | map(.b | test("s[0-9]+")) | length)' in.json
}
