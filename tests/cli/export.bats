#!/usr/bin/env bats
# Exports of a recorded program: the tools that they are made for open them, and all tell the same bytes.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    local tidemark=${TIDEMARK:-${BUILD:-$BATS_TEST_DIRNAME/../../build}/tidemark}
    gcc -O1 -g -I"$BATS_TEST_DIRNAME/../../include" "$BATS_TEST_DIRNAME/../../samples/quickstart/quickstart.c" -o quickstart
    "$tidemark" record -q -o t.tmk ./quickstart --leak >/dev/null
}

needs() { command -v "$1" >/dev/null || skip "$1 is missing${2:+ ($2)}"; }
exported() { tidemark export "$BATS_FILE_TMPDIR/t.tmk" --format "$1" -o "out.$1"; }

# What remember_visitor() leaves behind: 2000 blocks of 48 bytes.
LEAKED=96000

@test "folded: every line is a stack and a number, as flamegraph.pl reads them" {
    exported folded
    [ "$(grep -cvE '^[^ ].* [0-9]+$' out.folded)" -eq 0 ]
    [ "$(awk '/remember_visitor/ { n += $NF } END { print n }' out.folded)" -eq $LEAKED ]
}

@test "pprof: go tool pprof" {
    needs go "package golang-go"
    exported pprof
    go tool pprof -raw out.pprof >raw 2>/dev/null
    grep -q remember_visitor raw
    go tool pprof -top -sample_index=inuse_space -unit=B out.pprof 2>/dev/null | grep -qE "^ +${LEAKED}B .*remember_visitor"
    go tool pprof -top -sample_index=alloc_objects out.pprof 2>/dev/null | grep -qE '^ +2000 .*remember_visitor'
}

@test "--help, completions and sqlite know the same tables" {
    exported sqlite
    tables=$(sqlite3 out.sqlite "SELECT name FROM sqlite_master WHERE type = 'table'" | sort)
    [ -n "$tables" ]
    [ "$(tidemark --rows | sed -n 's/^option\texport\t.*\ttable\t.*one of //p' | tr -d ' ' | tr , '\n' | sort)" = "$tables" ]
    help=$(tidemark export --help | tr -s '\n ' ' ')
    while read -r table; do expect_in " $table" "$help"; done <<<"$tables"
}

@test "phases that are given from outside are exported, and what is left out is said" {
    trace=$BATS_FILE_TMPDIR/t.tmk
    phases() { tidemark export "$trace" --format csv --table phases "$@" | cut -d , -f 2 | tail -n +2 | sort | tr '\n' ' '; }
    printf 'name,begin_s,end_s\nwarm,0.000001,0.000002\n' >phases.csv
    expect_in "warm" "$(phases --phases phases.csv)"
    expect_in "visits" "$(phases --phase-by-function visits=remember_visitor)"
    both tidemark export "$trace" --format csv --phases missing.csv
    expect_status 2
    tidemark record -q -o other.tmk true
    both tidemark export "$trace" other.tmk --format folded
    expect_status 0
    [ "$errors" = "tidemark: 1 trace was left out, of other runs" ]
}

@test "sqlite: the ten ready queries run" {
    needs sqlite3 "package sqlite3"
    exported sqlite
    [ "$(sqlite3 out.sqlite "SELECT count(*) FROM sqlite_master WHERE type = 'view' AND name LIKE 'q!_%' ESCAPE '!'")" -eq 10 ]
    for view in $(grep -oE 'q_[a-z_]+' "$ROOT/docs/export.md" | sort -u); do sqlite3 out.sqlite "SELECT * FROM $view" >/dev/null; done
    sqlite3 out.sqlite 'SELECT * FROM q_leaks' | grep -q remember_visitor
    [ "$(sqlite3 out.sqlite "SELECT sum(live_bytes_end) FROM sites WHERE function = 'remember_visitor'")" -eq $LEAKED ]
}

@test "OpenMetrics: the parser of prometheus_client" {
    /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null || skip "prometheus_client is missing (package python3-prometheus-client)"
    exported openmetrics
    /usr/bin/python3 -c '
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
found = {family.name: family for family in families(open("out.openmetrics").read())}
assert any(sample.value == 96000 for family in found.values() for sample in family.samples), found'
}

@test "OpenMetrics: promtool takes it as the older text format, too" {
    needs promtool "package prometheus"
    exported openmetrics
    promtool check metrics <out.openmetrics
}

# A server on loopback scrapes the file and answers a query; both ports are free ones.
@test "OpenMetrics: Prometheus scrapes it" {
    needs prometheus "package prometheus"
    exported openmetrics
    cat >scrape.py <<'P'
import http.server, json, os, socket, subprocess, threading, time, urllib.parse, urllib.request

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.end_headers()
        self.wfile.write(open("out.openmetrics", "rb").read())
    def log_message(self, *_): pass

pages = http.server.HTTPServer(("127.0.0.1", 0), Page)
threading.Thread(target=pages.serve_forever, daemon=True).start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    address = "127.0.0.1:%d" % free.getsockname()[1]
with open("prometheus.yml", "w") as config:
    json.dump({"scrape_configs": [{"job_name": "tidemark", "scrape_interval": "300ms", "scrape_timeout": "300ms",
                                   "static_configs": [{"targets": ["127.0.0.1:%d" % pages.server_port]}]}]}, config)
server = subprocess.Popen(["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=" + os.getcwd() + "/tsdb",
                           "--web.listen-address=" + address], stderr=open("log", "w"))
query = urllib.parse.urlencode({"query": 'tidemark_site_live_bytes{function="remember_visitor"}'})
found, end = [], time.monotonic() + 30
while not found and time.monotonic() < end:
    time.sleep(0.2)
    try: found = json.load(urllib.request.urlopen(f"http://{address}/api/v1/query?{query}", timeout=5))["data"]["result"]
    except OSError: pass
server.kill()
server.wait()
print(found[0]["value"][1] if found else open("log").read())
P
    [ "$(env -u http_proxy -u HTTP_PROXY timeout 60 python3 scrape.py 3>&-)" = $LEAKED ]
}

@test "speedscope: each sample's frames exist, each profile's weights are its samples'" {
    exported speedscope
    jq -e '(.["$schema"] | endswith("file-format-schema.json")) and (.shared.frames | length) as $frames |
        all(.profiles[]; .type == "sampled" and (.samples | length) == (.weights | length) and
            all(.samples[][]; . >= 0 and . < $frames) and (.weights | add) <= .endValue)' out.speedscope >/dev/null
}

@test "Perfetto: every event has what its kind needs, slices end after they began" {
    exported perfetto
    jq -e 'all(.traceEvents[]; has("ph") and has("pid")) and
        all(.traceEvents[] | select(.ph == "C"); (.ts >= 0) and (.args | length > 0)) and
        all(.traceEvents[] | select(.ph == "X"); .dur >= 0) and
        ([.traceEvents[] | select(.name == "requests" and .ph == "X")] | length == 20)' out.perfetto >/dev/null
}

# The trace viewer of chrome://tracing, of which Go's sources have a copy, reads the file with its own importer.
@test "Perfetto: Chromium's trace viewer imports it" {
    needs chromium
    local viewer
    viewer=$(find /usr/share/go-*/src/cmd/trace/static -name trace_viewer_full.html 2>/dev/null | head -n 1)
    [ -n "$viewer" ] || skip "the trace viewer is missing (package golang-go)"
    exported perfetto
    cp "$viewer" "$(dirname "$viewer")/webcomponents.min.js" .
    cat >page.html <<'P'
<!DOCTYPE html>
<script src="webcomponents.min.js"></script>
<script>
function onTraceViewerImportFail() { document.title = 'no trace viewer'; }
document.addEventListener('WebComponentsReady', () => {
    const request = new XMLHttpRequest(), model = new tr.Model(), lines = [''];
    request.open('GET', 'out.perfetto', false);
    request.send();
    new tr.importer.Import(model, new tr.importer.ImportOptions()).importTraces([request.responseText]);
    for (const event of model.getDescendantEvents())
        if (event.title) lines.push('slice ' + event.title + (event.duration >= 0 ? '' : ' without an end'));
    for (const process of model.getAllProcesses())
        for (const counter of Object.values(process.counters))
            for (const series of counter.series)
                lines.push('counter ' + counter.name + ' up to ' + Math.max(...series.samples.map(sample => sample.value)));
    lines.push('warnings ' + model.importWarnings.length, '');
    document.body.textContent = lines.join('\n');
});
</script>
<link rel="import" href="trace_viewer_full.html"><body></body>
P
    browse "file://$PWD/page.html" '^warnings ' --allow-file-access-from-files
    [ "$(grep -cx 'slice requests' dom)" -eq 20 ]
    grep -qx "counter live bytes up to $(tidemark report -q "$BATS_FILE_TMPDIR/t.tmk" --json - | jq .totals.peak_live_bytes)" dom
    grep -qx 'warnings 0' dom
}

# The windows of the next two are drawn nowhere; what they say on opening a file tells whether they could.
looked_at() { # WORDS COMMAND...
    local words=$1 status=0 viewer
    shift
    mkdir -p -m 700 home run
    HOME=$PWD/home XDG_RUNTIME_DIR=$PWD/run QT_QPA_PLATFORM=offscreen timeout 100 "$@" >said 2>&1 3>&- &
    viewer=$!
    until_true grep -qE "$words" said || status=1
    kill "$viewer" 2>/dev/null || true
    wait "$viewer" || true
    return $status
}

@test "massif: massif-visualizer has the peak: 256 KiB of sessions, and what is left behind" {
    needs massif-visualizer "package massif-visualizer"
    exported massif
    looked_at '^peak cost: "349\.8 KiB"' massif-visualizer out.massif
}

@test "callgrind: KCachegrind" {
    needs kcachegrind "package kcachegrind"
    needs dbus-run-session "package dbus-daemon"
    dbus-run-session -- true 2>/dev/null || skip "dbus makes no session for this user"
    exported callgrind
    looked_at '^Selected *"main"' dbus-run-session -- kcachegrind out.callgrind
}

@test "massif: ms_print" {
    needs ms_print "package valgrind"
    exported massif
    ms_print out.massif | grep -q remember_visitor
}

@test "callgrind: callgrind_annotate has what is live" {
    needs callgrind_annotate "package valgrind"
    exported callgrind
    callgrind_annotate out.callgrind | grep -q "^ *$(sed ':a;s/\B[0-9]\{3\}\>/,&/;ta' <<<$LEAKED) .*remember_visitor"
}

@test "heaptrack: heaptrack_print" {
    needs heaptrack_print "package heaptrack"
    exported heaptrack
    heaptrack_print out.heaptrack 2>/dev/null | grep -q remember_visitor
}

@test "folded: flamegraph.pl draws it" {
    PATH=$PATH:/usr/share/perl5/Devel/NYTProf
    needs flamegraph.pl "package libdevel-nytprof-perl"
    exported folded
    flamegraph.pl --countname=bytes out.folded >out.svg
    grep -q '<title>remember_visitor (96,000 bytes' out.svg
}

@test "folded: inferno draws it" {
    needs inferno-flamegraph "cargo install inferno"
    exported folded
    inferno-flamegraph --countname=bytes out.folded >out.svg
    grep -q '<title>remember_visitor (96,000 bytes' out.svg
}

# The page of speedscope reads a profile that a script beside it hands over; its own parser takes it or says that it can't.
in_speedscope() { # FORMAT: leaves the page as it is afterwards in dom
    needs chromium
    local page
    page=$(HOME=${HOME:-$PWD} npm root -g 2>/dev/null || true)/speedscope/dist/release
    [ -f "$page/index.html" ] || skip "speedscope is missing (npm install -g speedscope)"
    exported "$1"
    cp -r "$page" page
    echo "speedscope.loadFileFromBase64('out.$1', '$(base64 -w0 "out.$1")')" >page/profile.js
    browse "file://$PWD/page/index.html#localProfilePath=$PWD/page/profile.js" "out\.$1|live bytes" --allow-file-access-from-files
}

@test "speedscope: speedscope itself loads it" {
    in_speedscope speedscope
    grep -q 'live bytes at the end' dom
}

@test "folded: speedscope loads it" {
    in_speedscope folded
    grep -q '<title>out.folded - speedscope' dom
}

@test "heaptrack_print has our allocations, peak and leaks" {
    needs heaptrack_print "package heaptrack"
    program sizes <<'C'
#include <stdlib.h>
static void *volatile kept[1000];
int main(void) {
    for (int i = 0; i < 20000; i++) { kept[0] = malloc(100 + i % 7); free(kept[0]); }
    for (int i = 0; i < 1000; i++) kept[i] = malloc(100 + i % 3);
    for (int i = 0; i < 600; i++) free(kept[i]);
    return 0;
}
C
    tidemark record -q -o sizes.tmk ./sizes
    tidemark export sizes.tmk --format heaptrack -o sizes.heaptrack
    heaptrack_print sizes.heaptrack >printed 2>/dev/null
    grep -q "^calls to allocation functions: 21000 " printed
    grep -q "^peak heap memory consumption: 101.00K" printed # 100 999, 400 of them 101 bytes in the mean kept
    grep -q "^total memory leaked: 40.40K" printed
}

@test "no call site is left out, however many there are" {
    python3 - >many.c <<'P'
print("#include <stdlib.h>\nstatic void *volatile kept;")
for i in range(80): print(f"__attribute__((noinline)) static void get_{i}(int n) {{ kept = malloc(n + {i}); }}")
for i in range(70): print(f"__attribute__((noinline)) static void call_{i}(void) {{", *(f"get_{j}({i}); free(kept);" for j in range(80)), "}")
print("int main(void) {", *(f"call_{i}();" for i in range(70)), "}")
P
    gcc -O1 -g many.c -o many
    tidemark record -q -o many.tmk ./many
    tidemark export many.tmk --format folded --value allocations >folded
    [ "$(awk '{ sum += $NF } END { print sum }' folded)" -eq 5600 ]
}
