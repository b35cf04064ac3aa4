/*
 * Draws the report from the JSON that the page holds. Everything from the trace reaches the page as text nodes and
 * attributes, never as markup; no network, no storage but the theme.
 */
const report = unpacked(JSON.parse(document.getElementById("data").textContent));
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

/* Points and looks are columns. */

function rowsOf(columns) {
  const names = Object.keys(columns), rows = names.length ? columns[names[0]] : [];
  return rows.map((_, index) => Object.fromEntries(names.map((name) => [name, columns[name][index]])));
}

function unpacked(data) {
  unpackStacks(data);
  data.curve = rowsOf(data.curve);
  data.residency.looks = rowsOf(data.residency.looks);
  return data;
}

/* Building elements. */

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  Object.assign(element, properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function draw(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  if (text !== undefined) element.textContent = text;
  return element;
}

function hideUnless(id, present) {
  byId(id).classList.toggle("hidden", !present);
}

/* Numbers in words. */

const ABSENT = "–";

function scaled(value, units) {
  const unit = units.find(([size]) => Math.abs(value) >= size * 0.9995) || units[units.length - 1];
  const shown = value / unit[0];
  return shown.toFixed(Math.abs(shown) >= 99.95 || Number.isInteger(shown) ? 0 : Math.abs(shown) >= 9.995 ? 1 : 2) + " " + unit[1];
}

const bytes = (n) => (n === null || n === undefined ? ABSENT : scaled(n, [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [1024, "KiB"], [1, "B"]]));
const time = (n) => (n === null || n === undefined ? ABSENT : n === 0 ? "0 s" : scaled(n, [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]]));
const count = (n) => (n === null || n === undefined ? ABSENT : n.toLocaleString("en").replace(/,/g, "\u202f"));
const several = (n, what) => count(n) + " " + what + (n === 1 ? "" : "s");
const blocks = (n) => several(n, "block");
const real = (n) => (n === null || n === undefined ? ABSENT : Math.abs(n) >= 1000 ? count(Math.round(n)) : String(+n.toPrecision(3)));

/* Tip. */

function showTip(event, text) {
  const tip = byId("tip");
  tip.textContent = text;
  tip.classList.remove("hidden");
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8)) + "px";
  tip.style.top = (event.clientY + box.height + 24 > innerHeight ? event.clientY - box.height - 10 : event.clientY + 16) + "px";
}

const hideTip = () => byId("tip").classList.add("hidden");

/* Theme. */

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

/* What was chosen by hand holds for later reports, else the system's choice does. */
function switchTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  setTheme(theme);
  try { localStorage.setItem("tidemark-theme", theme); } catch (error) { /* file: pages may have no storage */ }
}

function firstTheme() {
  let stored = null;
  try { stored = localStorage.getItem("tidemark-theme"); } catch (error) { /* as above */ }
  return stored || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

/* Verdict. */

const siteById = new Map(report.sites.map((site) => [site.id, site]));
const siteName = (site) => (site ? site.function || (site.stack.length ? nameOf(site.stack[0]) : site.module || "(unknown)") : "");

function growthOf(finding) {
  const site = siteById.get(finding.site);
  return (site && site.growth.find((growth) => growth.phase === finding.phase)) || null;
}

const MEANINGS = {
  pass: "No call site keeps growing", warn: "No leak, but growth to look at", leak: "Memory is kept in every round",
  budget: "A budget was exceeded", inconclusive: "A rule or phase could not be judged",
  "nothing-judged": "Nothing repeats often enough to be judged",
};

function headline() {
  const verdict = report.verdict, first = verdict.leaks[0];
  const open = verdict.judged.not_judged, missing = verdict.judged.rounds_missing;
  if (verdict.result === "pass" && open)
    return (verdict.judged.sites ? MEANINGS.pass : "Nothing that grew could be judged") + "; " + count(open) + (open === 1 ? " needs " : " need ") +
      (missing ? (open === 1 ? "" : "up to ") + several(missing, "more round") : "more rounds");
  if (verdict.result !== "leak" || !first) return MEANINGS[verdict.result] || verdict.result;
  const growth = growthOf(first), more = verdict.leaks.length - 1;
  const site = siteById.get(first.site), caller = site && !site.function && site.stack.find((frame) => frame.function);
  return shortName(siteName(site)) + (caller ? ", called by " + shortName(caller.function) + "," : "") + " leaks" + (growth && growth.bytes_per_round ? " " + bytes(growth.bytes_per_round) + " per round" : "") +
    (first.phase && first.phase !== "round" ? " of " + first.phase : "") + (more ? ", and " + more + " more" : "") +
    (verdict.leaks_below ? ", all below " + shortName(verdict.leaks_below) : "");
}

function showVerdict() {
  const verdict = report.verdict, head = byId("headline");
  document.title = "Tidemark: " + verdict.result;
  head.replaceChildren(make("span", { className: "badge " + verdict.result }, verdict.result), " ", headline());
  const judged = several(verdict.judged.phases, "phase") + " and " + several(verdict.judged.sites, "call site") + " judged" +
    (verdict.judged.not_judged ? ", " + count(verdict.judged.not_judged) + " not (too few rounds)" : "") + "; exit status " + verdict.exit_code;
  byId("verdict").append(make("p", { className: "faint" }, judged));
  for (const reason of verdict.reasons) byId("verdict").append(make("p", {}, reason));
  for (const hint of verdict.hints) byId("verdict").append(make("p", { className: "faint" }, "Hint: " + hint));
}

/* As a shell takes it. */
const quoted = (argument) => (/^[\w@%+=:,./-]+$/.test(argument) ? argument : "'" + argument.replace(/'/g, "'\\''") + "'");

function showTiles() {
  const totals = report.totals, first = report.processes[0];
  const tiles = [
    ["peak live", bytes(totals.peak_live_bytes)], ["live at the end", bytes(totals.live_bytes_end)], ["peak RSS", bytes(totals.peak_rss_bytes), "without the recorder's own pages"],
    ["allocations", count(totals.allocations)], ["temporary", count(totals.temporary_allocations)], ["time", first ? time(wholeRun[1] - wholeRun[0]) : ABSENT],
    ["RSS growth explained", totals.explained_share === null ? ABSENT : Math.round(totals.explained_share * 100) + " %"],
  ];
  for (const [label, value, title] of tiles) byId("tiles").append(make("div", { className: "tile", title: title || "" }, make("b", {}, value), label));
  const command = first ? (first.args.length ? first.args.map(quoted).join(" ") : first.exe) : "";
  byId("about").textContent = [command, first && "pid " + first.pid, first && first.started, report.system.kernel && "Linux " + report.system.kernel, report.system.libc && "glibc " + report.system.libc,
    report.system.allocator, several(report.trace.events, "event") + " in " + bytes(report.trace.size_bytes), report.trace.path].filter(Boolean).join(" · ");
}

/* Curve. */

const points = report.curve;
const wholeRun = points.length ? [points[0].t, Math.max(points[points.length - 1].t, points[0].t + 1)] : [0, 1];
let shown = wholeRun.slice();
const LEFT = 74, RIGHT = 8, PLOT = 240, LANE = 22;
let WIDTH = 1160; /* of the page in pixels, so that text in drawings has the size of other text */

const xOf = (t) => LEFT + ((t - shown[0]) / (shown[1] - shown[0])) * (WIDTH - LEFT - RIGHT);
const tOf = (x) => shown[0] + ((x - LEFT) / (WIDTH - LEFT - RIGHT)) * (shown[1] - shown[0]);

function visiblePoints() {
  const inside = points.filter((point) => point.t >= shown[0] && point.t <= shown[1]);
  const before = points.filter((point) => point.t < shown[0]).pop(), after = points.find((point) => point.t > shown[1]);
  return [before, ...inside, after].filter(Boolean);
}

function plainTop(value) {
  let unit = 1024;
  while (unit * 2 < value) unit *= 2;
  return [1, 1.25, 1.5, 1.75, 2].map((step) => step * unit).find((top) => top >= value) || unit * 2;
}

function pathOf(list, field, top, closed) {
  const known = list.filter((point) => point[field] !== null);
  if (!known.length) return "";
  const y = (point) => (PLOT - (point[field] / top) * (PLOT - 12)).toFixed(1);
  const line = known.map((point) => xOf(point.t).toFixed(1) + "," + y(point)).join("L");
  return closed ? `M${xOf(known[0].t).toFixed(1)},${PLOT}L${line}L${xOf(known[known.length - 1].t).toFixed(1)},${PLOT}Z` : "M" + line;
}

const MOST_LANES = 8;

function phaseLanes() {
  const bands = report.phases.filter((phase) => phase.instances.length).map((phase) => ({
    phase, begin: Math.min(...phase.instances.map((round) => round.begin)), end: Math.max(...phase.instances.map((round) => round.end)),
  })).sort((a, b) => a.begin - b.begin || b.end - a.end);
  const lanes = [];
  for (const band of bands) {
    let lane = lanes.findIndex((end) => end <= band.begin);
    if (lane < 0) lane = lanes.length;
    lanes[lane] = band.end;
    band.lane = lane;
  }
  return { bands: bands.filter((band) => band.lane < MOST_LANES), left: bands.filter((band) => band.lane >= MOST_LANES).length, lanes: Math.min(lanes.length, MOST_LANES) };
}

function drawBand(svg, band, top) {
  const phase = band.phase, y = top + band.lane * LANE, clip = (t) => Math.max(LEFT, Math.min(WIDTH - RIGHT, xOf(t)));
  phase.instances.forEach((round, index) => {
    const from = clip(round.begin), width = Math.max(1, clip(round.end) - from);
    if (round.end < shown[0] || round.begin > shown[1]) return;
    const box = draw("rect", { class: "band" + (index % 2 ? " odd" : ""), x: from, y, width, height: LANE - 4 });
    box.addEventListener("mousemove", (event) => showTip(event, `${phase.name} round ${round.round}\n${time(round.end - round.begin)}\nlive ${bytes(round.live_begin)} to ${bytes(round.live_end)}\nRSS ${bytes(round.rss_begin)} to ${bytes(round.rss_end)}`));
    box.addEventListener("mouseleave", hideTip);
    svg.append(box);
  });
  const from = clip(band.begin), room = Math.floor((clip(band.end) - from) / 6.6) - 1;
  const label = phase.rounds > 1 ? phase.name + " ×" + phase.rounds : phase.name;
  if (room > 3) svg.append(draw("text", { class: "on-band", x: from + 4, y: y + 13 }, label.length > room ? label.slice(0, room - 1) + "…" : label));
}

/* Of the shown time: 1, 2 or 5 times a power of ten apart. */
function roundTimes(most) {
  const least = (shown[1] - shown[0]) / most, power = 10 ** Math.floor(Math.log10(least)), times = [];
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= least);
  for (let index = Math.ceil(shown[0] / step); index * step <= shown[1]; index++) times.push(index * step);
  return times;
}

/* With as many digits as tell one from the next. */
function timeOnAxis(t) {
  const [size, unit] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]].find(([each]) => shown[1] >= each) || [1, "ns"];
  return +(t / size).toPrecision(10) + " " + unit;
}

function drawAxes(svg, top) {
  for (let i = 0; i <= 4; i++) {
    const y = PLOT - (i / 4) * (PLOT - 12);
    svg.append(draw("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y }));
    svg.append(draw("text", { class: "faint", x: LEFT - 6, y: y + 4, "text-anchor": "end" }, bytes((top * i) / 4)));
  }
  for (const t of roundTimes(WIDTH > 700 ? 8 : 4)) {
    svg.append(draw("line", { class: "axis", x1: xOf(t), x2: xOf(t), y1: PLOT, y2: PLOT + 4 }));
    svg.append(draw("text", { class: "faint", x: Math.min(xOf(t), WIDTH - 24), y: PLOT + 16, "text-anchor": "middle" }, timeOnAxis(t)));
  }
}

function followPointer(svg) {
  const cursor = draw("line", { class: "cursor hidden", y1: 0, y2: PLOT }), brush = draw("rect", { class: "brush hidden", y: 0, height: PLOT });
  const place = (event) => Math.max(LEFT, Math.min(WIDTH - RIGHT, ((event.clientX - svg.getBoundingClientRect().left) / svg.getBoundingClientRect().width) * WIDTH));
  let start = null;
  svg.append(cursor, brush);
  svg.addEventListener("pointerdown", (event) => { start = place(event); });
  svg.addEventListener("pointermove", (event) => {
    const x = place(event), y = event.clientY - svg.getBoundingClientRect().top;
    if (start !== null) {
      brush.classList.remove("hidden");
      brush.setAttribute("x", Math.min(start, x));
      brush.setAttribute("width", Math.abs(x - start));
    }
    if (event.target.classList.contains("band")) return;
    const t = tOf(x), point = points.reduce((best, each) => (Math.abs(each.t - t) < Math.abs(best.t - t) ? each : best));
    cursor.classList.remove("hidden");
    cursor.setAttribute("x1", xOf(point.t));
    cursor.setAttribute("x2", xOf(point.t));
    if (y >= 0) showTip(event, `${time(point.t)}\nlive ${bytes(point.live_bytes)} in ${blocks(point.live_blocks)}\npinned ${bytes(point.pinned_bytes)}\nRSS ${bytes(point.rss_bytes)}\nthreads ${count(point.threads)}`);
  });
  svg.addEventListener("pointerup", (event) => {
    const from = start, to = place(event);
    start = null;
    brush.classList.add("hidden");
    if (from !== null && Math.abs(to - from) > 8) zoom([tOf(Math.min(from, to)), tOf(Math.max(from, to))]);
  });
  svg.addEventListener("pointerleave", () => { start = null; brush.classList.add("hidden"); cursor.classList.add("hidden"); hideTip(); });
}

function showCurve() {
  hideUnless("curve-section", points.length > 0);
  if (!points.length) return;
  const list = visiblePoints(), { bands, lanes, left } = phaseLanes(), height = PLOT + 26 + lanes * LANE + (left ? LANE : 0);
  const stacked = byId("curve-view").value === "sites", fields = stacked ? ["live_bytes"] : ["live_bytes", "rss_bytes", "pinned_bytes"];
  const top = plainTop(Math.max(1024, ...list.map((point) => Math.max(...fields.map((field) => point[field] || 0)))));
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "application", tabindex: "0", "aria-label": (stacked ? "Live bytes by call site" : "Live bytes, pinned pages and RSS") + " over time; plus and minus zoom, arrows move" });
  const clip = draw("clipPath", { id: "plot" });
  clip.append(draw("rect", { x: LEFT, y: 0, width: WIDTH - LEFT - RIGHT, height: PLOT }));
  const plot = draw("g", { "clip-path": "url(#plot)" });
  if (stacked) drawStack(plot, top);
  else plot.append(draw("path", { class: "area-rss", d: pathOf(list, "rss_bytes", top, true) }), draw("path", { class: "area-live", d: pathOf(list, "live_bytes", top, true) }),
    draw("path", { class: "line-pinned", d: pathOf(list, "pinned_bytes", top, false) }));
  svg.append(clip, plot);
  drawAxes(svg, top);
  for (const band of bands) if (band.end >= shown[0] && band.begin <= shown[1]) drawBand(svg, band, PLOT + 24);
  if (left) svg.append(draw("text", { class: "faint", x: LEFT + 4, y: PLOT + 24 + lanes * LANE + 13 }, `… and ${several(left, "more phase")}`));
  followPointer(svg);
  svg.addEventListener("keydown", steer);
  showStackKeys(stacked);
  byId("curve").replaceChildren(svg);
}

/* The shown time by keys: the middle stays when it is zoomed, and it never leaves the run. */
function steer(event) {
  const [factor, step] = { "+": [0.5, 0], "=": [0.5, 0], "-": [2, 0], ArrowLeft: [1, -0.2], ArrowRight: [1, 0.2] }[event.key] || [0, 0];
  if (!factor || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const run = wholeRun[1] - wholeRun[0], width = Math.min(run, Math.max(run / 1e5, 1000, (shown[1] - shown[0]) * factor));
  const middle = (shown[0] + shown[1]) / 2 + step * width, from = Math.max(wholeRun[0], Math.min(wholeRun[1] - width, middle - width / 2));
  zoom([from, from + width]);
  byId("curve").firstChild.focus();
}

const SCOPE = "Drag, or + − ← → on the chart, to zoom. All below but the verdict follows.";

function tellScope() {
  document.documentElement.classList.toggle("zoomed", isZoomed());
  byId("scope").textContent = isZoomed() ? `Shown: ${time(Math.round(shown[0]))} to ${time(Math.round(shown[1]))}. All below is of this time, call sites to the nearest ${time(report.slice_ns)}; what is marked “whole run” is not.` : SCOPE;
}

/* A time was chosen: what grew in it is the question. */
function followZoom() {
  const metric = byId("metric");
  if (isZoomed() && metric.selectedIndex !== GROWN && canStack()) { metric.dataset.before = metric.selectedIndex; metric.selectedIndex = GROWN; }
  if (!isZoomed() && metric.selectedIndex === GROWN && metric.dataset.before) metric.selectedIndex = +metric.dataset.before;
  if (canStack()) siteOrder = isZoomed() ? "grown" : "live";
}

function zoom(range) {
  shown = range;
  tellScope();
  followZoom();
  showFlame();
  showSites();
  byId("unzoom").classList.toggle("hidden", range[0] === wholeRun[0] && range[1] === wholeRun[1]);
  showCurve();
  showPhases();
  showResident();
  showHistograms();
  showProcesses();
}

/* Leaks and warnings. */

function barsOf(values, className, label) {
  const width = 600, height = 60, most = Math.max(1, ...values), step = width / Math.max(1, values.length);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: className, preserveAspectRatio: "none", role: "img", "aria-label": label });
  values.forEach((value, index) => {
    const size = (value / most) * (height - 2);
    const bar = draw("rect", { x: index * step, y: height - size, width: Math.max(0.5, step - (step > 3 ? 1 : 0)), height: size });
    bar.append(draw("title", {}, `round ${index + 1}: ${count(value)}`));
    svg.append(bar);
  });
  return svg;
}

const placeOf = (frame) => (frame.file ? frame.file.split("/").pop() + (frame.line ? ":" + frame.line : "") : (frame.module || "") + "+0x" + frame.offset.toString(16));

/* Up to the program's own first function; what starts it is of no interest. */
function ownFrames(stack) {
  const main = stack.map((frame) => frame.function).lastIndexOf("main");
  return main < 0 ? stack : stack.slice(0, main + 1);
}

function stackOf(frames) {
  return make("ol", { className: "stack" }, ...ownFrames(frames).map((frame) => make("li", {},
    make("span", { className: "function" }, frame.function || "(no symbol)"),
    make("span", { className: "faint", title: frame.file || frame.module || "" }, placeOf(frame) + (frame.inlined ? " inlined" : "")))));
}

function evidenceOf(growth, site) {
  const evidence = growth.evidence, held = growth.held_until;
  const told = evidence.sentence ? [] : [`${evidence.k} of ${evidence.n} ${evidence.n === 1 ? "evidence round" : "evidence rounds"} added blocks (${several(evidence.rounds, "round")})`, held && (held === "never" ? "never released" : "released only at " + held),
    growth.bytes_per_round && bytes(growth.bytes_per_round) + " per round" + (growth.ci_low !== null ? ` (${bytes(growth.ci_low)} to ${bytes(growth.ci_high)})` : "")];
  const facts = [...told,
    growth.bytes_per_item !== null && growth.bytes_per_item >= 0.01 ? bytes(growth.bytes_per_item) + " per item" : null,
    bytes(site.live_bytes_end) + " live in " + blocks(site.live_blocks_end) + " at the end",
    growth.threads_affected > 1 ? growth.threads_affected + " threads" : null];
  return facts.filter(Boolean).join(" · ");
}

function cardBody(finding, site, growth) {
  const sentence = growth && growth.evidence.sentence ? growth.evidence.sentence : finding.reason;
  const parts = sentence ? [make("p", {}, sentence)] : [];
  if (growth) parts.push(make("p", { className: "faint" }, evidenceOf(growth, site)));
  if (growth && growth.evidence.would_change) parts.push(make("p", { className: "faint" }, "What would change this: " + growth.evidence.would_change));
  if (site) parts.push(historyOf(site, growth), stackOf(site.stack), make("p", { className: "faint" }, "site " + site.id));
  return parts;
}

/* What is closed is drawn when it is opened. */
function findingCard(finding, index) {
  const site = siteById.get(finding.site), growth = growthOf(finding), bad = report.verdict.leaks.includes(finding);
  const rate = growth && growth.bytes_per_round > 0 ? `, ${bytes(growth.bytes_per_round)} per round` : "";
  const summary = make("summary", {}, make("h3", {}, make("span", { className: "badge " + finding.class }, finding.class || ""), " ", shortName(siteName(site)), make("span", { className: "faint" }, (finding.phase ? " in " + finding.phase : "") + rate)));
  const card = make("details", { className: "card" + (bad ? " bad" : "") }, summary);
  const fill = () => { if (card.open && card.childElementCount === 1) card.append(...cardBody(finding, site, growth).filter(Boolean)); };
  card.addEventListener("toggle", fill);
  card.open = index < OPEN_CARDS;
  fill();
  return card;
}

/* What one source line gave on several stacks: one line with the sum. */
function sumsOf(findings) {
  const lines = new Map();
  for (const finding of findings) {
    const site = siteById.get(finding.site), growth = growthOf(finding);
    if (!site || !site.file || !site.line) continue;
    const key = [site.process_index, site.file, site.line, finding.phase].join("\n");
    const line = lines.get(key) || { site, phase: finding.phase, names: new Set(), stacks: 0, rate: 0 };
    line.names.add(siteName(site));
    line.stacks++;
    line.rate += (growth && growth.bytes_per_round) || 0;
    lines.set(key, line);
  }
  return [...lines.values()].filter((line) => line.stacks > 1).slice(0, MOST_SUMS).map(({ site, phase, names, stacks, rate }) =>
    make("p", {}, `Together: ${names.size === 1 ? shortName(siteName(site)) + ", " : ""}${site.file.split("/").pop()}:${site.line}${phase ? ", in " + phase : ""}: ${stacks} stacks${rate ? `, ${bytes(rate)} per round` : ""}`));
}

const MOST_SUMS = 10;
const OPEN_CARDS = 3, PRINTED_CARDS = 10, MORE_CARDS = 20;

function showLeaks() {
  const findings = [...report.verdict.leaks, ...report.verdict.warnings], out = report.left_out;
  hideUnless("leaks-section", findings.length);
  const more = make("button", { type: "button" }), place = byId("leaks");
  let next = 0;
  const show = () => {
    more.before(...findings.slice(next, next + MORE_CARDS).map((finding, index) => findingCard(finding, next + index)));
    next = Math.min(next + MORE_CARDS, findings.length);
    more.textContent = `Show more (${count(findings.length - next)} left)`;
    if (next === findings.length) more.remove();
  };
  more.addEventListener("click", show);
  place.append(more);
  show();
  place.append(...sumsOf(report.verdict.leaks), ...sumsOf(report.verdict.warnings));
  if (out.leaks + out.warnings) place.append(make("p", { className: "faint" }, `${several(out.leaks, "further leak")} and ${several(out.warnings, "further warning")}, all smaller, are in the text and JSON reports.`));
}

/* Flame graph. */

/* What is released only at the end of the process counts with its peak. */
const leaking = new Set(report.verdict.leaks.map((finding) => finding.site));
const METRICS = [
  ["live at the end", bytes, (site) => valueOf(site, "live")], ["live at the peak", bytes, (site) => valueOf(site, "peak")],
  ["leaked", bytes, (site) => (leaking.has(site.id) ? valueOf(site, "live") || valueOf(site, "peak") : 0)], ["resident", bytes, (site) => valueOf(site, "resident")], ["resident at the highest RSS", bytes, (site) => valueOf(site, "resident_peak")],
  ["allocated bytes", bytes, (site) => valueOf(site, "born_bytes")], ["allocations", count, (site) => valueOf(site, "born")],
  ["temporary allocations", count, (site) => valueOf(site, "born_temporary")],
  ["growth in the shown time", bytes, (site) => valueOf(site, "grown")],
];
const GROWN = METRICS.length - 1, LEAKED = 2;

/* What is known of all call sites together, by metric. */
const TOTALS = { 0: "live_bytes_end", 5: "allocated_bytes", 6: "allocations", 7: "temporary_allocations" };

/* Of the whole run, what the sites that are left out have. */
function restOf(metric, sum) {
  const total = report.totals[TOTALS[metric]];
  return isZoomed() || !report.left_out.sites || !total ? 0 : Math.max(0, total - sum);
}

/* The end of the run says little where most was released before. */
function firstMetric() {
  if (leaking.size) return LEAKED;
  if (report.totals.live_bytes_end * 4 < report.totals.peak_live_bytes && report.sites.some((site) => METRICS[1][2](site) > 0)) return 1;
  return Math.max(0, METRICS.findIndex(([, , value]) => report.sites.some((site) => value(site) > 0)));
}
let zoomedTo = null;

function treeOf(value, inverted) {
  const root = { name: "all", value: 0, children: new Map(), frame: null };
  for (const site of report.sites) {
    const worth = value(site) || 0;
    if (worth <= 0) continue;
    let node = root;
    root.value += worth;
    for (const frame of inverted ? ownFrames(site.stack) : ownFrames(site.stack).slice().reverse()) {
      const name = nameOf(frame);
      if (!node.children.has(name)) node.children.set(name, { name, value: 0, children: new Map(), frame, parent: node });
      node = node.children.get(name);
      node.value += worth;
    }
  }
  const rest = restOf(byId("metric").selectedIndex, root.value), name = several(report.left_out.sites, "small call site");
  if (rest) root.children.set(name, { name, value: rest, children: new Map(), frame: null, parent: root });
  root.value += rest;
  return root;
}

function colorOf(name) {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) | 0;
  return `hsl(${30 + (Math.abs(hash) % 30)} 85% ${66 + (Math.abs(hash >> 8) % 14)}%)`;
}

function layOut(node, x, width, depth, boxes) {
  if (width < 1.2 || depth > 120) return;
  boxes.push({ node, x, width, depth });
  let at = x;
  for (const child of [...node.children.values()].sort((a, b) => b.value - a.value)) {
    const share = (child.value / node.value) * width;
    layOut(child, at, share, depth + 1, boxes);
    at += share;
  }
}

/* Arrows go to the nearest frame in that direction. */
function walk(event) {
  const ways = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] }[event.key], here = document.activeElement;
  if (!ways || !here.classList.contains("frame")) return;
  event.preventDefault();
  const at = here.firstChild.getBBox(), gaps = [...byId("flame").querySelectorAll(".frame")].filter((frame) => frame !== here).map((frame) => {
    const box = frame.firstChild.getBBox(), rows = Math.round((box.y - at.y) / 20), inside = box.x < at.x + at.width && box.x + box.width > at.x;
    const gap = ways[1] ? (rows === ways[1] && inside ? 1 / box.width : Infinity) : rows === 0 && (box.x - at.x) * ways[0] > 0 ? Math.abs(box.x - at.x) : Infinity;
    return { frame, gap };
  });
  const next = gaps.reduce((best, each) => (each.gap < best.gap ? each : best), { frame: here, gap: Infinity }).frame;
  here.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}

function frameBox(box, total, show, pattern) {
  const { node, x, width, depth } = box, height = 20;
  const found = pattern && node.name.toLowerCase().includes(pattern), rest = node.parent && !node.frame;
  const group = draw("g", { class: "frame" + (found ? " found" : rest ? " rest" : ""), tabindex: "-1", role: "button", "aria-label": `${node.name} ${show(node.value)}` });
  const rect = draw("rect", { x, y: depth * height, width: Math.max(1, width), height: height - 1, rx: 2 });
  if (!found && !rest) rect.style.fill = colorOf(node.name);
  group.append(rect);
  const room = Math.floor((width - 6) / 6.7);
  if (room > 3) group.append(draw("text", { x: x + 4, y: depth * height + 14 }, cutName(node.name, room)));
  const tip = `${node.name}\n${show(node.value)} (${((node.value / total) * 100).toFixed(1)} %)` + (node.frame ? "\n" + placeOf(node.frame) : "");
  const open = () => { zoomedTo = node.parent ? pathTo(node) : null; showFlame(); };
  group.addEventListener("mousemove", (event) => showTip(event, tip));
  group.addEventListener("mouseleave", hideTip);
  group.addEventListener("click", open);
  group.addEventListener("keydown", (event) => { if (event.key === "Enter") open(); });
  return group;
}

const pathTo = (node) => (node.parent ? [...pathTo(node.parent), node.name] : []);

function showFlame() {
  const [, show, value] = METRICS[byId("metric").selectedIndex], root = treeOf(value, byId("inverted").checked);
  const pattern = byId("search").value.trim().toLowerCase(), boxes = [];
  let top = root;
  for (const name of zoomedTo || []) top = (top && top.children.get(name)) || null;
  layOut(top || root, 0, WIDTH, 0, boxes);
  hideTip();
  const rows = Math.max(0, ...boxes.map((box) => box.depth)) + 1;
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${rows * 20}`, role: "group", "aria-label": "Call tree" });
  const upwards = byId("growing").value === "up";
  svg.append(...boxes.map((box) => frameBox(upwards ? { ...box, depth: rows - 1 - box.depth } : box, root.value, show, pattern)));
  const first = svg.querySelector(".frame");
  if (first) first.setAttribute("tabindex", "0");
  svg.addEventListener("keydown", walk);
  byId("flame").replaceChildren(root.value ? svg : make("p", { className: "faint" }, "Nothing to show for this value."));
  const matching = pattern ? report.sites.filter((site) => site.stack.some((frame) => nameOf(frame).toLowerCase().includes(pattern))) : [];
  const sum = matching.reduce((total, site) => total + Math.max(0, value(site) || 0), 0);
  byId("shown-metric").textContent = METRICS[byId("metric").selectedIndex][0] + ": ";
  byId("found").textContent = pattern ? `${show(sum)} of ${show(root.value)} in stacks that match` : `${show(root.value)} in all`;
}

/* Tables. */

function tableOf(columns, rows) {
  const head = make("tr", {}, ...columns.map((column) => make("th", { className: column.number ? "number" : "" }, column.sort ? make("button", { type: "button", onclick: column.sort }, column.title) : column.title)));
  const body = rows.map((row) => make("tr", {}, ...columns.map((column) => make("td", { className: column.number ? "number" : column.name ? "name" : "" }, ...[column.cell(row)].flat()))));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
}

const roundsShown = (phase) => phase.instances.filter((round) => round.end >= shown[0] && round.begin <= shown[1]);

function phaseNotes(phase) {
  const ops = phase.ops.map((op) => `${op.name}: ${count(op.count)}, ${real(op.per_s)}/s, ${count(op.failed)} failed, ${count(op.rejected)} rejected; p50 ${time(op.ns.p50)}, p95 ${time(op.ns.p95)}, p99 ${time(op.ns.p99)}`);
  const units = phase.units.map((unit) => `${unit.name}: ${count(unit.items)}, ${real(unit.items_per_s)}/s`);
  const values = phase.values.map((value) => `${value.name}: ${real(value.last)} (${real(value.min)} to ${real(value.max)})`);
  return [...units, ...ops, ...values].map((line) => make("div", { className: "faint" }, line));
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
const programOf = (phase) => (phase.process_index ? " of " + (report.processes[phase.process_index].exe || "?").split("/").pop() : "");

function showPhases() {
  hideUnless("phases-section", report.phases.length);
  const visible = report.phases.filter((phase) => !phase.instances.length || roundsShown(phase).length);
  const parts = new Map(visible.map((phase) => [phase, isZoomed() && phase.instances.length ? shownPart(phase) : phase]));
  const column = (title, field, show) => ({ title, number: true, cell: (phase) => show(parts.get(phase)[field]) });
  byId("phases").replaceChildren(tableOf([
    { title: "Phase", name: true, cell: (phase) => [phase.parent ? "↳ " : "", phase.name, make("span", { className: "faint" }, programOf(phase)), ...(isZoomed() ? [] : phaseNotes(phase))] },
    column("Rounds", "rounds", count),
    ...MULTIPLES.map(([title, of]) => ({ title, cell: (phase) => multipleOf(phase, title, of) })),
    column("Time", "duration_ns", (n) => time(Math.round(n))),
    ...(visible.some((phase) => phase.items_per_s) ? [column("Items/s", "items_per_s", real)] : []),
    column(isZoomed() ? "RSS, most" : "RSS peak", "rss_peak", bytes),
    { title: "Live, start → end", number: true, cell: (phase) => [bytes(parts.get(phase).live_start) + " →", make("br"), bytes(parts.get(phase).live_end)] },
    column(isZoomed() ? "Grown/round" : "Kept/round", "retained_per_round", bytes),
    { title: "", cell: (phase) => (isZoomed() ? "" : phase.diagnosis || "") },
  ], visible));
}

function showBudgets() {
  const budgets = report.verdict.budgets;
  hideUnless("budgets-section", budgets.length);
  byId("budgets").append(tableOf([
    { title: "Rule", name: true, cell: (budget) => budget.rule }, { title: "Phase", cell: (budget) => budget.phase || "" },
    { title: "Value", number: true, cell: (budget) => budget.value || ABSENT }, { title: "Limit", number: true, cell: (budget) => budget.limit || ABSENT },
    { title: "", cell: (budget) => make("span", { className: "badge " + (budget.ok ? "ok" : "exceeded") }, budget.state || (budget.ok ? "ok" : "exceeded")) },
  ], budgets));
}

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
    { title: "Call site", name: true, cell: (site) => make("details", {}, make("summary", {}, shortName(siteName(site)), make("span", { className: "faint" }, site.file ? " " + site.file.split("/").pop() + ":" + site.line : "")), stackOf(site.stack)) },
    ...(canStack() ? [{ title: "Over the run", cell: (site) => sparkOf(site, "spark") }, column(["grown", "Grown", bytes])] : []),
    ...SITE_COLUMNS.map(column),
    { title: "Class", cell: (site) => classOf(site) || "" },
  ], sorted);
  byId("sites").replaceChildren(table);
  byId("site-count").textContent = `${count(sorted.length)} of ${count(report.sites_total || report.sites.length)}` + (report.left_out.sites ? `; ${count(report.left_out.sites)} small ones are left out (tidemark export has all)` : "");
}

/* Resident pages. */

const resident = report.residency;
const PARTS = [
  ["sites", "live blocks of call sites"], ["free", "free, kept by the allocator"], ["stack", "stacks"], ["other", "other anonymous memory"],
  ["file", "data of files"], ["code", "code"], ["recorder", "the recorder"],
];

/* The looks within the shown time, one before and one after it. */
function looksShown() {
  const inside = (look) => look.t >= shown[0] && look.t <= shown[1];
  return resident.looks.filter((look, index, all) => inside(look) || (all[index + 1] && all[index + 1].t >= shown[0] && look.t < shown[0]) || (all[index - 1] && all[index - 1].t <= shown[1] && look.t > shown[1]));
}

function lookAt(t) {
  return resident.looks.reduce((best, look) => (Math.abs(look.t - t) < Math.abs(best.t - t) ? look : best));
}

function tellLook(svg, event) {
  const box = svg.getBoundingClientRect(), look = lookAt(tOf(((event.clientX - box.left) / box.width) * WIDTH));
  const lines = PARTS.map(([part, title]) => `${title} ${bytes(look[part + "_bytes"])}`);
  showTip(event, `${time(look.t)}\nRSS ${bytes(look.rss_bytes)}\n${lines.join("\n")}`);
}

function drawPart(plot, looks, base, part, top) {
  const y = (value) => (PLOT - (value / top) * (PLOT - 12)).toFixed(1);
  const lower = looks.map((look, index) => `${xOf(look.t).toFixed(1)},${y(base[index])}`);
  looks.forEach((look, index) => { base[index] += look[part + "_bytes"]; });
  const upper = looks.map((look, index) => `${xOf(look.t).toFixed(1)},${y(base[index])}`);
  plot.append(draw("path", { class: "part-" + part, d: `M${upper.join("L")}L${lower.reverse().join("L")}Z` }));
}

function showResidentChart() {
  const looks = looksShown();
  if (looks.length < 2) {
    byId("resident-chart").replaceChildren();
    return;
  }
  const top = plainTop(Math.max(1024, ...looks.map((look) => look.resident_bytes))), base = looks.map(() => 0);
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${PLOT + 24}`, role: "img", "aria-label": "Resident pages over time, by whose they are" });
  const clip = draw("clipPath", { id: "resident-plot" }), plot = draw("g", { "clip-path": "url(#resident-plot)" });
  clip.append(draw("rect", { x: LEFT, y: 0, width: WIDTH - LEFT - RIGHT, height: PLOT }));
  for (const [part] of PARTS.slice().reverse()) drawPart(plot, looks, base, part, top);
  for (const look of looks) plot.append(draw("line", { class: "look", x1: xOf(look.t), x2: xOf(look.t), y1: 0, y2: 7 }));
  svg.append(clip, plot);
  drawAxes(svg, top);
  svg.addEventListener("pointermove", (event) => tellLook(svg, event));
  svg.addEventListener("pointerleave", hideTip);
  byId("resident-chart").replaceChildren(svg);
}

/* Of a tree, the process that had most resident. */
function whoseResident() {
  const process = report.processes[resident.process_index];
  return process && report.processes.length > 1 ? `Of ${(process.exe || "?").split("/").pop()}, pid ${process.pid}, which had most resident of the ${count(report.processes.length)} processes.` : "";
}

function residentWords(peak, end) {
  const words = [whoseResident(), isZoomed() ? "" : `In the end ${real(resident.explained_share * 100)} % of it is explained.`,
    `Known at the moments marked above the chart. Pages with live blocks on them are theirs alone; ${bytes(peak.slack_bytes)} of these at the highest RSS and ${bytes(end.slack_bytes)} in the end are covered by no block.`];
  if (end.untouched_bytes) words.push(`${bytes(end.untouched_bytes)} of live blocks are not resident.`);
  if (end.trim_bytes !== null) words.push(`malloc_trim(0) would give back ${bytes(peak.trim_bytes)} at the highest RSS, ${bytes(end.trim_bytes)} in the end.`);
  return words.join(" ");
}

function showHolders() {
  const most = (site) => Math.max(valueOf(site, "resident_peak") || 0, valueOf(site, "resident") || 0);
  const sites = report.sites.filter((site) => site.process_index === resident.process_index && most(site)).sort((a, b) => most(b) - most(a)).slice(0, 12);
  byId("resident-sites").replaceChildren(tableOf([
    { title: "Held by", name: true, cell: (site) => make("details", {}, make("summary", {}, shortName(siteName(site))), stackOf(site.stack)) },
    { title: "Highest", number: true, cell: (site) => bytes(valueOf(site, "resident_peak")) }, { title: "Last", number: true, cell: (site) => bytes(valueOf(site, "resident")) },
    ...(isZoomed() ? [] : [{ title: "Wasted", number: true, cell: (site) => make("span", { title: "Around blocks that keep a page alone" }, bytes(site.wasted_bytes)) }]),
  ], sites));
}

function showResidentParts(peak, end) {
  const rows = [...PARTS.map(([part, title]) => ({ title, field: part + "_bytes" })), { title: "together", field: "resident_bytes" }, { title: "RSS as the kernel counts", field: "rss_bytes" }];
  byId("resident-parts").replaceChildren(tableOf([
    { title: "Resident pages", name: true, cell: (row) => row.title },
    { title: `Highest, ${time(peak.t)}`, number: true, cell: (row) => bytes(peak[row.field]) }, { title: `Last, ${time(end.t)}`, number: true, cell: (row) => bytes(end[row.field]) },
  ], rows));
}

/* Those of the last look. */
function showFilesAndPins() {
  byId("resident-files").append(tableOf([
    { title: "File", name: true, cell: (file) => file.path }, { title: "Code", number: true, cell: (file) => bytes(file.code_bytes) },
    { title: "Data", number: true, cell: (file) => bytes(file.data_bytes) },
  ], resident.files.slice(0, 20)));
  byId("resident-pins").append(tableOf([
    { title: "Block", name: true, cell: (pin) => `${bytes(pin.size)} by ${shortName(siteName(siteById.get(pin.site))) || "site " + pin.site}, made at ${time(pin.born)}` },
    { title: "Free below" + (resident.pins.length ? ", " + time(resident.pins_t) : ""), number: true, cell: (pin) => bytes(pin.free_below_bytes) }, { title: "Blocks above", number: true, cell: (pin) => count(pin.blocks_above) },
  ], resident.pins));
}

/* The highest without the recorder's own pages, as the report chose it for the whole run. */
function highestLook(looks) {
  const own = (look) => look.resident_bytes - look.recorder_bytes;
  return isZoomed() ? looks.reduce((best, look) => (own(look) > own(best) ? look : best)) : resident.looks[resident.peak];
}

function showResident() {
  hideUnless("resident-section", resident.looks.length);
  if (!resident.looks.length) return;
  const inside = resident.looks.filter((look) => look.t >= shown[0] && look.t <= shown[1]), near = inside.length ? inside : looksShown();
  const looks = near.length ? near : [lookAt((shown[0] + shown[1]) / 2)];
  const peak = highestLook(looks), end = looks[looks.length - 1];
  byId("resident-words").textContent = residentWords(peak, end);
  showResidentParts(peak, end);
  showHolders();
  showResidentChart();
}

function startResident() {
  byId("resident-keys").append(...PARTS.map(([part, title]) => make("span", {}, make("span", { className: "key part-" + part }), title)));
  showFilesAndPins();
  showResident();
}

/* Programs that followed each other by exec have one pid: the parent is the one that ran when the child began. */
function parentOf(child) {
  const candidates = report.processes.filter((process) => process.pid === child.parent && process !== child);
  const before = candidates.filter((process) => (process.started || "") <= (child.started || ""));
  return (before.length ? before : candidates).pop() || null;
}

function processRows() {
  const rows = [], children = new Map();
  for (const process of report.processes) {
    const parent = parentOf(process);
    children.set(parent, [...(children.get(parent) || []), process]);
  }
  const add = (process, depth) => {
    rows.push({ process, depth });
    for (const child of children.get(process) || []) add(child, depth + 1);
  };
  for (const process of children.get(null) || []) add(process, 0);
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
    { title: "Process", name: true, cell: (row) => "\u2003".repeat(row.depth) + row.process.pid + " " + (row.process.exe || "?").split("/").pop() },
    { title: "Began", number: true, cell: (row) => time(beganAt(row.process)) },
    { title: "Time", number: true, cell: (row) => time(row.process.duration_ns) },
    { title: "End", cell: (row) => (row.process.exit.code === null ? row.process.exit.kind || "unknown" : (row.process.exit.kind === "code" ? "exit" : row.process.exit.kind) + " " + row.process.exit.code) },
    { title: "Peak live", number: true, cell: (row) => bytes(row.process.peak_live_bytes) },
    { title: "Peak RSS", number: true, cell: (row) => bytes(row.process.peak_rss_bytes) },
    { title: "Verdict", cell: (row) => row.process.result || "" },
  ], processRows().filter(ran)));
}

const MOST_DOUBTS = 8;

function showDoubts() {
  const trace = report.trace, doubts = report.doubts.slice();
  if (trace.cut) doubts.unshift("The recording ends before the process did, or its end is unknown.");
  if (trace.recovered) doubts.unshift("The recorder did not end in order; the trace was read from its buffers.");
  if (trace.truncated_stacks > 0) doubts.unshift(several(trace.truncated_stacks, "stack") + (trace.truncated_stacks === 1 ? " is" : " are") + " incomplete at the outer end");
  hideUnless("doubts-section", doubts.length);
  const listOf = (texts) => make("ul", {}, ...texts.map((text) => make("li", {}, text))), rest = doubts.splice(MOST_DOUBTS);
  byId("doubts").append(listOf(doubts));
  if (rest.length) byId("doubts").append(make("details", {}, make("summary", {}, `… and ${count(rest.length)} more`), listOf(rest)));
}

/* Start. */

const PAPER_WIDTH = 700;

function drawFor(width) {
  if (width === WIDTH) return;
  WIDTH = width;
  showCurve();
  showFlame();
  showResidentChart();
}

function fitWidth() {
  const main = document.querySelector("main"), style = getComputedStyle(main);
  drawFor(Math.max(300, main.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)));
}

/* Paper is narrower, and has no triangles to click: the first findings, in full. */
function beforePrint() {
  for (const card of [...document.querySelectorAll("details.card")].slice(0, PRINTED_CARDS)) {
    card.open = true;
    card.dispatchEvent(new Event("toggle")); /* the browser's own comes too late */
  }
  byId("resident-files").closest("details").open = true;
  drawFor(PAPER_WIDTH);
}

function listen() {
  byId("theme").addEventListener("click", switchTheme);
  byId("unzoom").addEventListener("click", () => zoom(wholeRun.slice()));
  byId("curve-view").addEventListener("change", showCurve);
  byId("growing").addEventListener("change", () => showFlame());
  byId("metric").addEventListener("change", () => showFlame());
  byId("inverted").addEventListener("change", () => { zoomedTo = null; showFlame(); });
  byId("search").addEventListener("input", () => showFlame());
  byId("whole").addEventListener("click", () => { zoomedTo = null; byId("search").value = ""; showFlame(); });
  byId("site-search").addEventListener("input", () => showSites());
  addEventListener("resize", fitWidth);
  addEventListener("beforeprint", beforePrint);
  addEventListener("afterprint", fitWidth);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { zoomedTo = null; zoom(wholeRun.slice()); showFlame(); }
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(document.activeElement.tagName)) { event.preventDefault(); byId("search").focus(); }
  });
}

setTheme(firstTheme());
byId("metric").append(...METRICS.map(([title]) => make("option", {}, title)));
byId("metric").selectedIndex = firstMetric();
hideUnless("flame-section", report.sites.length);
hideUnless("sites-section", report.sites.length);
hideUnless("curve-choice", canStack());
tellScope();
startHistograms();
showVerdict();
showTiles();
showCurve();
showLeaks();
showFlame();
showPhases();
showBudgets();
showSites();
startResident();
showProcesses();
showDoubts();
listen();
fitWidth();
