"""The tables that the criteria of each workload ask for, from the JSON report of its trace.

Measured numbers come from the phases, operations and samples of the report; what only the program knows comes from its
values and is shown with a * at its heading. Absent numbers are shown as a dash.
"""

MIB = 1048576.0


def number(value, digits=0, scale=1.0):
    return "-" if value is None else f"{value / scale:,.{digits}f}"


def mib(value):
    return number(value, 1, MIB)


def milliseconds(value):
    return number(value, 3, 1e6)


def print_table(title, headings, rows):
    cells = [headings] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headings))]
    print(f"\n  {title}")
    for row in cells:
        numbers = "".join("  " + cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))
        print("    " + row[0].ljust(widths[0]) + numbers)


def phases_named(report, *starts):
    """The phases whose name before @ is one of `starts`, or begins with one that ends in *."""
    def matches(name):
        stem = name.split("@")[0]
        return any(stem == start or (start.endswith("*") and stem.startswith(start[:-1])) for start in starts)
    return [phase for phase in report["phases"] if matches(phase["name"])]


def value(phase, name):
    return next((entry["last"] for entry in phase.get("values", []) if entry["name"] == name), None)


def operation(phase, name):
    return next((entry for entry in phase.get("ops", []) if entry["name"] == name), None)


def duration_s(phase):
    return number(phase["duration_ns"], 3, 1e9)


def growth(phase):
    ends = phase["rss_start"], phase["rss_end"]
    return None if None in ends else ends[1] - ends[0]


def spread(times):
    return [milliseconds((times or {}).get(key)) for key in ("mean", "stddev", "p50", "p95", "p99", "max")]


SPREAD = ["mean ms", "spread", "p50", "p95", "p99", "max"]


def rounds_table(report, title, *names):
    rows = [[phase["name"], phase["rounds"], number(phase["items_per_s"])] + spread(phase["round_ns"])
            for phase in phases_named(report, *names)]
    print_table(title, ["phase", "rounds", "items/s"] + SPREAD, rows)


def memory_table(report, title, *names):
    rows = [[phase["name"], mib(phase["rss_start"]), mib(phase["rss_end"]), mib(phase["rss_peak"]), mib(growth(phase)),
             mib(phase["live_end"])] for phase in phases_named(report, *names)]
    print_table(title, ["phase", "baseline MiB", "final", "peak", "growth", "live at end"], rows)


def operations_table(report, title, *names):
    rows = []
    for phase in phases_named(report, *names):
        for op in phase.get("ops", []):
            counts = [op["ok"], op["failed"], op["rejected"], op["peak_in_flight"]]
            rows.append([phase["name"], op["name"], op["count"], number(op["per_s"])] + counts + spread(op["ns"]))
    print_table(title, ["phase", "operation", "count", "per s", "ok", "failed", "rejected", "at once"] + SPREAD, rows)


def values_table(report, title, *names):
    rows = [[phase["name"], entry["name"] + " *", number(entry["last"], 2)]
            for phase in phases_named(report, *names) for entry in phase.get("values", [])]
    print_table(title, ["phase", "value", "last"], rows)


def modules_table(report):
    modules = {}
    for site in report["sites"]:
        name = site.get("module") or "unknown"
        total = modules.setdefault(name, [0, 0, 0])
        for i, key in enumerate(("allocations", "allocated_bytes", "peak_bytes")):
            total[i] += site[key] or 0
    rows = [[name, total[0], mib(total[1]), mib(total[2])] for name, total in sorted(modules.items())]
    print_table("Memory by module", ["module", "allocations", "allocated MiB", "peaks of its sites MiB"], rows)


def samples_table(report):
    curve = report.get("curve", [])
    rows = []
    for key, scale, unit in (("rss_bytes", MIB, "RSS MiB"), ("vms_bytes", MIB, "VMS MiB"), ("threads", 1, "threads"),
                             ("fds", 1, "descriptors"), ("cpu", 1, "processors")):
        seen = [point[key] for point in curve if point.get(key) is not None]
        if seen:
            rows.append([unit] + [number(pick, 1, scale) for pick in (seen[0], seen[-1], max(seen))])
    print_table("Measured", ["what", "start", "end", "peak"], rows)


def totals_table(report):
    totals = report["totals"]
    rows = [["allocations", number(totals["allocations"])],
            ["failed allocations", number(totals["failed_allocations"])],
            ["peak RSS MiB", mib(totals["peak_rss_bytes"])], ["peak live MiB", mib(totals["peak_live_bytes"])],
            ["live at the end MiB", mib(totals["live_bytes_end"])]]
    system = report["system"]
    rows.append(["host", f"{system['cpus']} processors, {mib(system['ram_bytes'])} MiB"])
    print_table("Totals", ["what", "value"], rows)


def survey(report):
    rows = [[phase["name"], duration_s(phase), number(phase["items_per_s"]), mib(phase["rss_peak"]),
             mib(phase["overhead_bytes"]), mib(value(phase, "store-bytes")),
             number(value(phase, "compression-ratio"), 2)]
            for phase in phases_named(report, "write", "import", "process")]
    print_table("By size", ["phase", "s", "traces/s", "peak MiB", "overhead", "store MiB *", "ratio *"], rows)
    rounds_table(report, "Rounds", "import-chunk", "process-chunk", "navigate")
    memory_table(report, "Navigation", "navigation")
    for phase in phases_named(report, "navigation"):
        lookups, hits = value(phase, "cache-lookups"), value(phase, "cache-hits")
        if lookups:
            print(f"    cache hits: {100 * hits / lookups:.1f} % of {lookups:.0f} *")


def bulkimport(report):
    rows = []
    for phase in phases_named(report, "import-t*"):
        op = operation(phase, "file") or {}
        success = 100.0 * op["ok"] / op["count"] if op.get("count") else None
        workouts, seconds = value(phase, "workouts"), phase["duration_ns"] / 1e9
        rows.append([phase["name"], number(value(phase, "threads")), number(phase["items_per_s"]),
                     number(workouts / seconds if workouts and seconds else None), number(success, 2),
                     mib(phase["rss_peak"]), mib(growth(phase)), number(phase["allocations"])] + spread(op.get("ns")))
    headings = ["phase", "threads *", "files/s", "workouts/s *", "success %", "peak MiB", "growth", "allocations"]
    print_table("By threads and files", headings + SPREAD, rows)
    rounds_table(report, "Batches", "batch")
    modules_table(report)


def breaker(report):
    operations_table(report, "Operations", "async-burst", "sync-pool", "load", "no-*", "sustained", "window")
    levels = phases_named(report, "load")
    first = (operation(levels[0], "async") or {}).get("per_s") if levels else None
    rows = []
    for phase in levels:
        rate = (operation(phase, "async") or {}).get("per_s")
        share = 100.0 * rate / first if rate and first else None
        rows.append([phase["name"], number(share, 1), number(value(phase, "transitions"))])
    print_table("Against the first level", ["level", "rate %", "changes of circuits *"], rows)
    calls = {phase["name"]: value(phase, "call-ns") for phase in phases_named(report, "unprotected", "protected")}
    if all(calls.get(name) for name in ("unprotected", "protected")):
        extra = calls["protected"] - calls["unprotected"]
        print(f"    a protected call costs {extra / 1e6:.6f} ms more ({100 * extra / calls['unprotected']:.1f} %) *")
    memory_table(report, "Memory", "load", "sustained")


def row_bytes(phase):
    names = ("bytes-per-row", "columnar-bytes-per-row", "json-bytes-per-row")
    return next((found for found in (value(phase, name) for name in names) if found is not None), None)


def pipeline(report):
    rows = [[phase["name"], duration_s(phase), number(phase["items_per_s"]), mib(phase["overhead_bytes"]),
             number(row_bytes(phase), 1)]
            for phase in phases_named(report, "insert", "ingest", "events", "columnar", "json")]
    print_table("Rows", ["phase", "s", "rows/s", "overhead MiB", "bytes/row *"], rows)
    rounds_table(report, "Rounds", "batch", "slice", "doomed-batch")
    operations_table(report, "Latency", "ingest", "batch")
    values_table(report, "Chaos", "kill", "refusal", "outage")
    memory_table(report, "Sustained", "sustained")
    rows = [[process["pid"], process["parent"], f"{process['exit']['kind']} {process['exit']['code']}"]
            for process in report["processes"]]
    print_table("Processes", ["pid", "parent", "end"], rows)


def processor_share(report, phase):
    """Mean share of all processors while the phase ran, from the samples; None where there were none."""
    spans = [(instance["begin"], instance["end"]) for instance in phase["instances"] if instance["end"] is not None]
    seen = [point["cpu"] for point in report.get("curve", [])
            if point["cpu"] is not None and any(begin <= point["t"] <= end for begin, end in spans)]
    return 100.0 * sum(seen) / len(seen) / report["system"]["cpus"] if seen else None


def component_row(report, phase):
    count, fine = sum(op["count"] for op in phase["ops"]), sum(op["ok"] for op in phase["ops"])
    seconds, grown = phase["duration_ns"] / 1e9, growth(phase)
    rate = grown / seconds if grown is not None and seconds else None
    return [phase["name"], count, number(100.0 * fine / count if count else None, 1), mib(phase["rss_peak"]), mib(rate),
            number(processor_share(report, phase), 1)]


def heavyload(report):
    components = ("concurrent", "memory", "processor", "files", "cycle", "recovery-step", "load")
    rows = [component_row(report, phase) for phase in phases_named(report, *components)]
    print_table("Components", ["component", "operations", "success %", "peak MiB", "growth MiB/s", "processor %"], rows)
    operations_table(report, "Latency", *components)
    memory_table(report, "Memory", "memory", "sustained", "recovery")
    rounds_table(report, "Cycles", "cycle")
    values_table(report, "Of the program", "memory", "sustained", "recovery", "run")


TABLES = {"survey": survey, "bulkimport": bulkimport, "breaker": breaker, "pipeline": pipeline, "heavyload": heavyload}


STATES = {"ok": "pass", "exceeded": "FAIL", "warn": "marginal", "not-judged": "not judged"}


def print_budgets(check):
    budgets = check["verdict"].get("budgets", []) if check else []
    rows = [[budget["rule"], budget["phase"] or "-", budget["limit"], budget["value"],
             STATES.get(budget["state"], budget["state"])] for budget in budgets]
    if rows:
        print_table("Criteria", ["rule", "phase", "target", "actual", ""], rows)


def print_tables(name, report, check):
    """All tables of one workload; `report` and `check` are parsed JSON reports, None where there is none."""
    if report is None:
        print("    no report")
        return
    if name in TABLES:
        TABLES[name](report)
    samples_table(report)
    totals_table(report)
    print_budgets(check)
    print()
