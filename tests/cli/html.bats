#!/usr/bin/env bats
# The HTML report in a browser: what it draws under its own policy, what it does when used, and names that are markup.
load helper

# Ten rounds that keep 1000 bytes each in keeper(), of a phase whose name is markup.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    cat >known.c <<'C'
#include <stdlib.h>
#include "tidemark.h"
static void *volatile kept;
__attribute__((noinline)) static void keeper(void) { kept = malloc(1000); }
__attribute__((noinline)) static void evil(void) __asm__("\"<img src=x onerror=alert()></script>\"");
__attribute__((noinline)) static void evil(void) { kept = malloc(300); }
int main(void) {
    evil();
    for (int round = 0; round < 10; round++) {
        tidemark_phase_begin("</script><img src=x onerror=document.title='broken'>");
        keeper();
        for (int i = 0; i < 100; i++) {
            kept = malloc(70);
            free(kept);
        }
        tidemark_phase_end("</script><img src=x onerror=document.title='broken'>");
    }
}
C
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    cc -O1 -I"$root/include" known.c -o known -ldl
    build=${BUILD:-$root/build}
    "$build/tidemark" record -q -o t.tmk ./known
    "$build/tidemark" report t.tmk --html page.html --json report.json >/dev/null
}

drawn() { grep -qF -- "$1" dom || { echo "not drawn: $1"; return 1; }; }

browser() { # FILE PATTERN
    browse "file://$1" "$2"
    fails grep -E "CONSOLE.*(Error|Refused)" log
}

# The page does `steps` at its end; its policy, which would not let it, is taken out.
acting() {
    python3 - "$BATS_FILE_TMPDIR/page.html" "$1" >acting.html <<'P'
import re, sys
page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", open(sys.argv[1]).read())
print(page.replace("</body>", f"<script>{sys.argv[2]}; document.body.dataset.done = 'yes';</script></body>"))
P
    browser "$PWD/acting.html" 'data-done="yes"'
}

@test "what grows steadily is named in the first line, of the page and of the text" {
    program grows <<'C'
#include <stdlib.h>
static void *kept[2][4000];
__attribute__((noinline)) static void *enqueue(int i) { return kept[0][i] = malloc(1000); }
__attribute__((noinline)) static void *notice(int i) { return kept[1][i] = malloc(10); }
int main(void) {
    for (int i = 0; i < 4000; i++) enqueue(i), notice(i);
}
C
    tidemark record -q -o g.tmk ./grows
    tidemark report g.tmk --html g.html >g.txt
    [ "$(head -n 1 g.txt)" = "WARN  no leak, but enqueue grows in run, and 1 more warning" ]
    browser "$PWD/g.html" "No leak, but enqueue grows in run, and 1 more warning"
    tidemark report g.tmk --site notice --html g.html >g.txt
    [ "$(head -n 1 g.txt)" = "WARN  no leak, but growth that should be looked at" ]
    browser "$PWD/g.html" "No leak, but growth to look at"
}

@test "everything is drawn under the page's policy; names that are markup stay text" {
    browser "$BATS_FILE_TMPDIR/page.html" 'class="area-live" d="M'
    drawn 'class="triangle"'
    drawn 'class="histogram"'
    drawn 'class="spark"'
    drawn '<title>Tidemark: leak</title>'
    drawn 'keeper leaks 1000 B per round of &lt;/script&gt;&lt;img'
    drawn '>&lt;img src=x onerror=alert()&gt;&lt;/script&gt;'
    fails grep -q '<img' dom
}

@test "slices and histograms add up to the totals of their site" {
    python3 - "$BATS_FILE_TMPDIR/report.json" <<'P'
import json, sys
report = json.load(open(sys.argv[1]))
site = next(site for site in report["sites"] if site["function"] == "keeper")
slices = report["slices"]
assert site["live"][-1] == 10000 and len(site["live"]) == slices
rows = [site["ages"][s * (s + 1) // 2 : (s + 1) * (s + 2) // 2] for s in range(slices)]
assert [sum(row) for row in rows] == site["live"]
assert all(row[birth] == rows[-1][birth] for row in rows for birth in range(len(row) - 1))  # nothing was released
for each in report["sites"]:
    numbers = {name: each[name] or [0] * slices for name in ("blocks", "resident", "born", "born_bytes", "born_temporary")}
    assert all(len(values) == slices for values in numbers.values())
    assert sum(numbers["born"]) == each["allocations"] and sum(numbers["born_bytes"]) == each["allocated_bytes"]
    assert sum(numbers["born_temporary"]) == each["temporary"]
    assert numbers["blocks"][-1] == each["live_blocks_end"] and numbers["resident"][-1] == each["rss_bytes"]
assert sum(map(sum, report["slice_sizes"])) == report["totals"]["allocations"]
assert sum(map(sum, report["slice_lifetimes"])) == report["totals"]["frees"]
assert site["sizes"] == [0] * 10 + [10] and site["lifetimes"] == []  # 1000 lies in 512 to 1023
short = max(report["sites"], key=lambda each: each["allocations"])
assert short["sizes"][7] == 1000 and sum(short["lifetimes"]) == 1000  # 70 lies in 64 to 127
P
}

@test "survivors by round of birth, after every round" {
    # Of eight blocks a round, one stays, one goes two rounds later, and the rest at once.
    program windows -ldl <<'C'
#include <stdlib.h>
#include "tidemark.h"
static void *volatile queue[8], *volatile kept;
__attribute__((noinline)) static void *get(void) { return malloc(100); }
int main(void) {
    for (int round = 0; round < 16; round++) {
        tidemark_phase_begin("work");
        free(queue[round % 2]);
        queue[round % 2] = NULL;
        for (int i = 0; i < 8; i++) {
            kept = get();
            if (i == 6) queue[round % 2] = kept;
            else if (i != 7) free(kept);
        }
        tidemark_phase_end("work");
    }
}
C
    tidemark record -q -o w.tmk ./windows
    tidemark report w.tmk --json w.json >/dev/null
    python3 - <<'P'
import json
site = next(site for site in json.load(open("w.json"))["sites"] if site["function"] == "get")
evidence = next(growth["evidence"] for growth in site["growth"] if growth["phase"] == "work")
rows = [[2 if birth > end - 2 else 1 for birth in range(end + 1)] for end in range(16)]
assert evidence["alive_each"] == 1 and evidence["alive"] == sum(rows, []), evidence
assert evidence["survivors"] == rows[-1]
P
}

@test "search, inverted view, flame graph" {
    acting "const fire = (id, event) => byId(id).dispatchEvent(new Event(event));
        byId('metric').selectedIndex = 0; fire('metric', 'change');
        byId('search').value = 'keeper'; fire('search', 'input');
        byId('inverted').checked = true; fire('inverted', 'change');
        byId('growing').value = 'up'; fire('growing', 'change')"
    drawn "9.77 KiB of 10.1 KiB in stacks that match"
    drawn 'class="frame found" tabindex="-1" role="button" aria-label="keeper 9.77 KiB"'
}

@test "a zoom by keys or brush filters what lies below, and the escape key ends it" {
    acting "const curve = () => byId('curve').firstChild, key = (at, name) => at.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }));
        const box = curve().getBoundingClientRect(), at = (type, share) => curve().dispatchEvent(new PointerEvent(type, { clientX: box.left + box.width * share, clientY: box.top + 50, bubbles: true }));
        at('pointerdown', .5); at('pointermove', .7); at('pointerup', .7);
        document.body.dataset.brushed = byId('metric').value + '; ' + byId('scope').textContent.slice(0, 6);
        key(document, 'Escape');
        document.body.dataset.whole = shown.join() === wholeRun.join();
        key(curve(), '+'); key(curve(), 'ArrowRight');
        document.body.dataset.share = ((shown[1] - shown[0]) / (wholeRun[1] - wholeRun[0])).toFixed(2) + ' ' + (shown[0] > wholeRun[1] / 4)"
    drawn 'data-brushed="growth in the shown time; Shown:"'
    drawn 'data-whole="true"'
    drawn 'data-share="0.50 true"'
}

@test "two parts of the run add up to the whole in sites, histograms and the table" {
    acting "const middle = report.slice_ns * Math.floor(report.slices / 2), site = report.sites.find((each) => each.function === 'keeper');
        const part = (from, to) => { zoom([from, to]); return ['born', 'born_bytes', 'born_temporary', 'grown'].map((name) => valueOf(site, name)).concat(addedUpIn(report.slice_sizes).reduce((a, b) => a + b, 0)); };
        const first = part(wholeRun[0], middle), second = part(middle, wholeRun[1]);
        document.body.dataset.rows = byId('sites').textContent.includes('keeper');
        zoom(wholeRun.slice());
        document.body.dataset.sums = first.map((n, index) => n + second[index]).join() === [site.allocations, site.allocated_bytes, site.temporary, site.live_bytes_end, report.totals.allocations].join()"
    drawn 'data-sums="true"'
    drawn 'data-rows="true"'
}

@test "printed: on paper, in full, nothing beside the page" {
    command -v chromium >/dev/null || skip "chromium is missing"
    command -v pdftotext >/dev/null || skip "pdftotext is missing (package poppler-utils)"
    for budget in 2000 20000 100000; do # as in browse
        timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --virtual-time-budget=$budget \
            --no-pdf-header-footer --print-to-pdf=page.pdf "file://$BATS_FILE_TMPDIR/page.html" >/dev/null 2>&1 3>&- || continue
        pdftotext -layout page.pdf page.txt
        if grep -q "keeper leaks" page.txt; then break; fi
    done
    for text in "keeper leaks 1000 B per round" "What would change this" "RSS as the kernel counts" "Allocations" "Class"; do
        grep -qF -- "$text" page.txt || { echo "not printed: $text"; return 1; }
    done
    fails grep -q "Light / dark" page.txt
}

@test "a report of thousands of growing sites is small" {
    python3 - >many.c <<'P'
print('#include <stdlib.h>\n#include "tidemark.h"\nstatic void *volatile kept;')
for i in range(300): print(f"__attribute__((noinline)) static void a_function_with_a_long_name_{i}(int n) {{ kept = malloc(n + {i}); }}")
for i in range(20): print(f"__attribute__((noinline)) static void a_caller_with_a_long_name_{i}(void) {{", *(f"a_function_with_a_long_name_{j}({i});" for j in range(300)), "}")
print('int main(void) { for (int round = 0; round < 12; round++) { tidemark_phase_begin("work");', *(f"a_caller_with_a_long_name_{i}();" for i in range(20)), 'tidemark_phase_end("work"); } }')
P
    gcc -g -O1 -I"$ROOT/include" many.c -o many -ldl
    tidemark record -q -o t.tmk ./many
    tidemark report t.tmk --html many.html >/dev/null
    size=$(stat -c %s many.html)
    [ "$size" -lt 1000000 ] || { echo "$size bytes"; return 1; }
    browser "$PWD/many.html" "further leaks and"
    drawn "Show more"
    # Sums are of all findings, not of those that the page keeps.
    tidemark report t.tmk | sed -n 's/^  together .*\(many\.c:.*\)/\1/p' >sums
    [ "$(wc -l <sums)" -eq 10 ]
    while read -r sum; do drawn "$sum"; done <sums
}

@test "live bytes by function, the theme, histograms of one site, keys in the flame graph" {
    acting "byId('curve-view').value = 'sites'; byId('curve-view').dispatchEvent(new Event('change'));
        byId('site-keys').firstChild.click();
        byId('theme').click(); document.body.dataset.theme = document.documentElement.dataset.theme; byId('theme').click();
        document.body.dataset.other = document.documentElement.dataset.theme;
        byId('histogram-site').value = report.sites[0].id; byId('histogram-site').dispatchEvent(new Event('change'));
        byId('flame').querySelector('.frame').focus();
        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
        document.body.dataset.frame = document.activeElement.getAttribute('aria-label').split(' ')[0]"
    drawn 'class="by-site"'
    drawn "None was freed."
    drawn 'data-theme="dark" data-other="light"'
    fails grep -q 'data-frame="all"' dom
}
