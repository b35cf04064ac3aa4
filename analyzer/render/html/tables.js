/*
 * The tables of phases, budgets, call sites and processes.
 */

/* Phases. */

const roundsShown = (phase) => phase.instances.filter((round) => round.end >= shown[0] && round.begin <= shown[1]);

function phaseNotes(phase) {
  const ops = phase.ops.map((op) => `${op.name}: ${count(op.count)}, ${real(op.per_s)}/s, ${count(op.failed)} failed, ${count(op.rejected)} rejected; p50 ${time(op.ns.p50)}, p95 ${time(op.ns.p95)}, p99 ${time(op.ns.p99)}`);
  const units = phase.units.map((unit) => `${unit.name}: ${count(unit.items)}, ${real(unit.items_per_s)}/s`);
  const values = phase.values.map((value) => `${value.name}: ${real(value.last)} (${real(value.min)} to ${real(value.max)})`);
  return [...units, ...ops, ...values];
}

/* Round by round, each phase and measure on its own scale. */
const MULTIPLES = [["Live at ends", (round) => round.live_end], ["RSS at ends", (round) => round.rss_end], ["Durations", (round) => round.end - round.begin]];

function multipleOf(phase, title, of) {
  const rounds = roundsShown(phase);
  return rounds.length > 1 ? barsOf(rounds.map((round) => of(round) || 0), "spark", `${title}, ${phase.name}, by round`) : "";
}

/* Of the shown rounds; a phase of very many keeps some of them evenly chosen. */
function shownPart(phase) {
  const rounds = roundsShown(phase), first = rounds[0], last = rounds[rounds.length - 1];
  const number = last.round - first.round + 1, each = number / rounds.length;
  const sum = (of) => rounds.reduce((total, round) => total + (of(round) || 0), 0) * each, spent = sum((round) => round.end - round.begin);
  return {
    rounds: number, duration_ns: spent, items_per_s: phase.items_per_s && spent ? (sum((round) => round.items) * 1e9) / spent : null,
    rss_peak: Math.max(...rounds.map((round) => Math.max(round.rss_begin || 0, round.rss_end || 0))) || null,
    live_start: first.live_begin, live_end: last.live_end, retained_per_round: Math.round(sum((round) => round.live_end - round.live_begin) / number),
  };
}

/* Of a tree: whose phase it is, where it is not the first program's. */
const programOf = (phase) => (phase.process_index ? " of " + fileOf(report.processes[phase.process_index].exe || "?") : "");

function showPhases() {
  hideUnless("phases-section", report.phases.length);
  const visible = report.phases.filter((phase) => !phase.instances.length || roundsShown(phase).length);
  const parts = new Map(visible.map((phase) => [phase, isZoomed() && phase.instances.length ? shownPart(phase) : phase]));
  const column = (title, field, show) => ({ title, number: true, cell: (phase) => show(parts.get(phase)[field]) });
  byId("phases").replaceChildren(tableOf([
    { title: "Phase", name: true, cell: (phase) => [phase.parent ? "↳ " : "", phase.name, make("span", { className: "faint" }, programOf(phase))] },
    column("Rounds", "rounds", count),
    ...MULTIPLES.map(([title, of]) => ({ title, cell: (phase) => multipleOf(phase, title, of) })),
    column("Time", "duration_ns", (n) => time(Math.round(n))),
    ...(visible.some((phase) => phase.items_per_s) ? [column("Items/s", "items_per_s", real)] : []),
    column(isZoomed() ? "RSS, most" : "RSS peak", "rss_peak", bytes),
    { title: "Live, start → end", number: true, cell: (phase) => [bytes(parts.get(phase).live_start) + " →", make("br"), bytes(parts.get(phase).live_end)] },
    column(isZoomed() ? "Grown/round" : "Kept/round", "retained_per_round", bytes),
    { title: "", cell: (phase) => (isZoomed() ? "" : phase.diagnosis || "") },
  ], visible, (phase) => (isZoomed() ? [] : phaseNotes(phase))));
}

/* Budgets. */

function showBudgets() {
  const budgets = report.verdict.budgets;
  hideUnless("budgets-section", budgets.length);
  byId("budgets").append(tableOf([
    { title: "Rule", name: true, cell: (budget) => budget.rule }, { title: "Phase", cell: (budget) => budget.phase || "" },
    { title: "Value", number: true, cell: (budget) => budget.value || ABSENT }, { title: "Limit", number: true, cell: (budget) => budget.limit || ABSENT },
    { title: "", cell: (budget) => make("span", { className: "badge " + (budget.ok ? "ok" : "exceeded") }, budget.state || (budget.ok ? "ok" : "exceeded")) },
  ], budgets));
}

/* Call sites. */

let siteOrder = "live";

function classOf(site) {
  const quiet = ["released", "one-time", "bounded", "sawtooth", "backlog", "returned", "runtime", "not-judged"];
  const loud = site.growth.find((growth) => growth.class && !quiet.includes(growth.class));
  return loud ? loud.class : site.growth.length ? site.growth[0].class : "";
}

const SITE_COLUMNS = [
  ["live", "Live", bytes], ["blocks", "Blocks", count], ["peak", "At peak", bytes], ["resident", "Resident", bytes], ["born_bytes", "Allocated", bytes], ["born", "Allocations", count], ["born_temporary", "Temporary", count],
];
const MOST_ROWS = 200;

/* In a part of the run: what a site did in it, and what it held at its end. */
const ranIn = (site) => !isZoomed() || !canStack() || ["live", "peak", "born", "grown"].some((name) => valueOf(site, name));

function showSites() {
  const pattern = byId("site-search").value.trim().toLowerCase();
  const matching = report.sites.filter((site) => ranIn(site) && (!pattern || site.stack.some((frame) => nameOf(frame).toLowerCase().includes(pattern))));
  const sorted = matching.slice().sort((a, b) => (valueOf(b, siteOrder) || 0) - (valueOf(a, siteOrder) || 0)).slice(0, MOST_ROWS);
  const column = ([name, title, show]) => ({ title: title + (name === siteOrder ? " ▾" : ""), number: true, cell: (site) => show(valueOf(site, name)), sort: () => { siteOrder = name; showSites(); } });
  const table = tableOf([
    { title: "Call site", name: true, cell: (site) => make("details", {}, make("summary", {}, shortName(siteName(site)), " ", placeOfSite(site)), stackOf(site.stack)) },
    ...(canStack() ? [{ title: "Over the run", cell: (site) => sparkOf(site, "spark") }, column(["grown", "Grown", bytes])] : []),
    ...SITE_COLUMNS.map(column),
    { title: "Class", cell: (site) => classOf(site) || "" },
  ], sorted);
  byId("sites").replaceChildren(table);
  byId("site-count").textContent = `${count(sorted.length)} of ${count(report.sites_total || report.sites.length)}` + (report.left_out.sites ? `; ${count(report.left_out.sites)} small ones are left out (tidemark export has all)` : "");
}

/* Processes. */

/* Each below its parent. */
function processRows() {
  const rows = [], children = new Map([[null, []], ...report.processes.map((_, index) => [index, []])]);
  report.processes.forEach((process, index) => children.get(process.parent_index).push(index));
  const add = (index, depth) => {
    rows.push({ process: report.processes[index], depth });
    for (const child of children.get(index)) add(child, depth + 1);
  };
  for (const index of children.get(null)) add(index, 0);
  return rows;
}

/* ns after the first one began; unknown times count as its own. */
function beganAt(process) {
  const first = report.processes[0], at = Date.parse(process.started) - Date.parse(first.started);
  return Number.isFinite(at) ? Math.max(0, at * 1e6) : 0;
}

function showProcesses() {
  hideUnless("processes-section", report.processes.length > 1);
  const ran = ({ process }) => beganAt(process) <= shown[1] && beganAt(process) + process.duration_ns >= shown[0];
  byId("processes").replaceChildren(tableOf([
    { title: "Process", name: true, cell: (row) => "\u2003".repeat(row.depth) + row.process.pid + " " + fileOf(row.process.exe || "?") },
    { title: "Began", number: true, cell: (row) => time(beganAt(row.process)) },
    { title: "Time", number: true, cell: (row) => time(row.process.duration_ns) },
    { title: "End", cell: (row) => (row.process.exit.code === null ? row.process.exit.kind || "unknown" : (row.process.exit.kind === "code" ? "exit" : row.process.exit.kind) + " " + row.process.exit.code) },
    { title: "Peak live", number: true, cell: (row) => bytes(row.process.peak_live_bytes) },
    { title: "Peak RSS", number: true, cell: (row) => bytes(row.process.peak_rss_bytes) },
    { title: "Verdict", cell: (row) => row.process.result || "" },
  ], processRows().filter(ran)));
}
