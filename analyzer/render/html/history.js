"use strict";
/*
 * What sites did over the run: live bytes by site, their growth in the shown time, the triangle of births and survivors,
 * histograms of sizes and lifetimes. Stands before page.js in one script and uses its elements, numbers and shown time.
 */

/* Slices of the run. */

const HUES = [212, 28, 145, 350, 275, 185, 50, 320];
const sliceEnd = (slice) => Math.min((slice + 1) * report.slice_ns, wholeRun[1]);
const sliceOf = (t) => Math.max(0, Math.min(report.slices - 1, Math.floor(t / report.slice_ns)));
const isZoomed = () => shown[0] !== wholeRun[0] || shown[1] !== wholeRun[1];

/* Live bytes at the end of the shown time less those at its beginning, to the nearest slice. */
function grownIn(site, range) {
  if (!site.live.length) return 0;
  const from = Math.round(range[0] / report.slice_ns) - 1;
  return site.live[sliceOf(range[1])] - (from < 0 ? 0 : site.live[Math.min(from, report.slices - 1)]);
}

/* Sites of one function are one layer. */
function layersOf(sites) {
  const layers = new Map();
  for (const site of sites) {
    const name = siteName(site), layer = layers.get(name) || { name, sites: 0, values: new Array(report.slices).fill(0) };
    layer.sites++;
    site.live.forEach((value, slice) => { layer.values[slice] += value; });
    layers.set(name, layer);
  }
  return [...layers.values()].map((layer) => ({ ...layer, most: Math.max(...layer.values) }));
}

/* The functions whose sites hold most at any time, and what all others hold. */
function layersOverTime() {
  const high = layersOf(report.sites.filter((site) => site.live.length)).sort((a, b) => b.most - a.most).slice(0, HUES.length);
  const top = high.map((layer, index) => ({ ...layer, color: `hsl(${HUES[index]} 62% 56%)` })), rest = [];
  for (let slice = 0; slice < report.slices; slice++) {
    const listed = top.reduce((sum, each) => sum + each.values[slice], 0);
    const last = points.filter((point) => point.t <= sliceEnd(slice)).pop();
    rest.push(Math.max(0, (last ? last.live_bytes || 0 : 0) - listed));
  }
  return [...top, { name: "all others", sites: 0, values: rest, color: "var(--rss)" }].filter((each) => Math.max(0, ...each.values) > 0);
}

const canStack = () => report.slices > 1 && report.processes.length === 1 && report.sites.some((site) => site.live.length);

/* The stack from the bottom up, on the axes of the curve. */
function drawStack(plot, top) {
  const y = (value) => (PLOT - (value / top) * (PLOT - 12)).toFixed(1);
  const base = new Array(report.slices).fill(0);
  for (const { name, sites, values, color } of layersOverTime()) {
    const lower = base.map((value, slice) => `${xOf(sliceEnd(slice)).toFixed(1)},${y(value)}`);
    values.forEach((value, slice) => { base[slice] += value; });
    const upper = base.map((value, slice) => `${xOf(sliceEnd(slice)).toFixed(1)},${y(value)}`), start = `${xOf(wholeRun[0]).toFixed(1)},${PLOT}`;
    const area = draw("path", { class: "by-site", d: `M${start}L${upper.join("L")}L${lower.reverse().join("L")}Z` });
    area.style.fill = color;
    area.addEventListener("pointermove", (event) => { event.stopPropagation(); showTip(event, `${name}\nmost ${bytes(Math.max(...values))}, end ${bytes(values[values.length - 1])}${sites ? `\nof ${count(sites)} call sites; click: only this function below` : ""}`); });
    if (sites) area.addEventListener("click", () => chooseFunction(name));
    plot.append(area);
  }
}

function showStackKeys(stacked) {
  byId("curve-keys").classList.toggle("hidden", stacked);
  byId("site-keys").replaceChildren(...(stacked ? layersOverTime() : []).map(({ name, sites, color }) => {
    const key = make("span", { className: "key" });
    key.style.background = color;
    return make("button", { type: "button", className: "plain", disabled: !sites, onclick: () => chooseFunction(name) }, key, sites > 1 ? `${name} (${sites} sites)` : name);
  }));
}

/* One choice for the flame graph and the table. */
function chooseFunction(name) {
  byId("search").value = byId("site-search").value = name;
  showFlame();
  showSites();
}

/* A site's curve, small. */
function sparkOf(site, className) {
  if (!site.live.length) return "";
  const width = 160, height = 30, most = Math.max(1, ...site.live), step = width / site.live.length;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: className, preserveAspectRatio: "none", role: "img", "aria-label": `Live bytes over the run, at most ${bytes(most)}` });
  const line = site.live.map((value, slice) => `${((slice + 1) * step).toFixed(1)},${(height - (value / most) * (height - 2)).toFixed(1)}`).join("L");
  svg.append(draw("path", { class: "area-live", d: `M0,${height}L${line}L${width},${height}Z` }));
  const from = (shown[0] / (report.slice_ns * report.slices)) * width, to = (shown[1] / (report.slice_ns * report.slices)) * width;
  if (isZoomed()) svg.append(draw("rect", { class: "brush", x: from, y: 0, width: Math.max(1, to - from), height }));
  return svg;
}

/* Survivors: birth × moment. */

function roundsIn(phase, slice) {
  const within = phase ? phase.instances.filter((round) => round.end > slice * report.slice_ns && round.begin <= sliceEnd(slice)) : [];
  if (!within.length) return "";
  const first = within[0].round, last = within[within.length - 1].round;
  return first === last ? ` (round ${first})` : ` (rounds ${first} to ${last})`;
}

function cellText(phase, slice, birth, value) {
  return `born by ${time(sliceEnd(birth))}${roundsIn(phase, birth)}\nalive at ${time(sliceEnd(slice))}${roundsIn(phase, slice)}\n${bytes(value)}`;
}

/* From the first slice on in which something was kept. */
function triangleOf(site, phaseName) {
  if (!site.ages.length) return null;
  const phase = report.phases.find((each) => each.name === phaseName), most = Math.max(1, ...site.ages);
  const first = Math.max(0, site.live.findIndex((value) => value > 0)), side = report.slices - first, cell = Math.min(24, 360 / side), size = side * cell;
  const svg = draw("svg", { viewBox: `0 0 372 ${size + 34}`, class: "triangle", role: "img", "aria-label": `Live bytes of ${siteName(site)} by time of birth, down the run` });
  for (let slice = first; slice < report.slices; slice++) {
    for (let birth = first; birth <= slice; birth++) {
      const value = site.ages[(slice * (slice + 1)) / 2 + birth], x = 4 + (birth - first) * cell, y = (slice - first) * cell;
      const box = draw("rect", { x, y, width: cell - 1, height: cell - 1, class: value ? "alive" : "dead" });
      if (value) box.setAttribute("fill-opacity", (0.15 + 0.85 * Math.sqrt(value / most)).toFixed(2));
      if (value) box.addEventListener("pointermove", (event) => showTip(event, cellText(phase, slice, birth, value)));
      svg.append(box);
    }
  }
  svg.addEventListener("pointerleave", hideTip);
  svg.append(draw("text", { class: "faint", x: 4, y: size + 14 }, "born " + time(first * report.slice_ns) + roundsIn(phase, first)),
    draw("text", { class: "faint", x: 4 + size, y: size + 28, "text-anchor": "end" }, time(wholeRun[1]) + roundsIn(phase, report.slices - 1)),
    draw("text", { class: "faint", x: 366, y: 14, "text-anchor": "end" }, "alive: time runs down ↓"));
  return svg;
}

/* Stripes that go on to the bottom row are births that nobody released. */
function historyOf(site, phaseName) {
  const triangle = site ? triangleOf(site, phaseName) : null;
  if (!triangle) return null;
  return make("details", { open: true, className: "history" }, make("summary", {}, "Its memory over the run"),
    make("div", { className: "columns" },
      make("figure", {}, sparkOf(site, "grown"), make("figcaption", { className: "faint" }, `live bytes, at most ${bytes(Math.max(...site.live))}, ${bytes(site.live[site.live.length - 1])} at the end`)),
      make("figure", {}, triangle, make("figcaption", { className: "faint" }, "Survivors: a column is what was born in one slice of the run, followed downwards; a column that reaches the bottom was never released"))));
}

/* Histograms. */

const octaveFloor = (index) => (index === 0 ? 0 : 2 ** (index - 1));

function histogramOf(counts, show, label) {
  const first = Math.max(0, counts.findIndex((n) => n > 0)), shownCounts = counts.slice(first);
  const width = 560, height = 150, most = Math.max(1, ...shownCounts), step = (width - 8) / Math.max(8, shownCounts.length);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height + 22}`, class: "histogram", role: "img", "aria-label": label });
  svg.append(draw("line", { class: "axis", x1: 0, x2: width, y1: height, y2: height }));
  shownCounts.forEach((n, index) => {
    const size = n ? Math.max(2, (n / most) * (height - 18)) : 0, x = 4 + index * step, from = octaveFloor(first + index), to = octaveFloor(first + index + 1);
    const bar = draw("rect", { class: "bar-live", x, y: height - size, width: step - 2, height: size });
    bar.addEventListener("pointermove", (event) => showTip(event, `${show(from)} to below ${show(to)}\n${count(n)} blocks`));
    bar.addEventListener("pointerleave", hideTip);
    svg.append(bar);
    if (n === most) svg.append(draw("text", { class: "faint", x: Math.min(width - 60, x), y: height - size - 4 }, count(n)));
    if (index % Math.ceil(shownCounts.length / 6) === 0) svg.append(draw("text", { class: "faint", x, y: height + 15 }, show(from)));
  });
  return svg;
}

function addedUp(sites, field) {
  const sum = [];
  for (const site of sites) site[field].forEach((n, index) => { sum[index] = (sum[index] || 0) + n; });
  return Array.from(sum, (n) => n || 0);
}

const chosenSites = (id) => (id ? report.sites.filter((site) => site.id === id) : report.sites);

function showHistograms() {
  const sites = chosenSites(byId("histogram-site").value), sizes = addedUp(sites, "sizes"), lifetimes = addedUp(sites, "lifetimes");
  const nothing = () => make("p", { className: "faint" }, "None was freed.");
  byId("sizes").replaceChildren(make("h3", {}, "Sizes asked for"), histogramOf(sizes, bytes, "Allocations by size"));
  byId("lifetimes").replaceChildren(make("h3", {}, "Lifetimes of freed blocks"), lifetimes.length ? histogramOf(lifetimes, time, "Freed blocks by lifetime") : nothing());
}

function startHistograms() {
  const busy = report.sites.filter((site) => site.sizes.length).sort((a, b) => b.allocations - a.allocations).slice(0, 60);
  hideUnless("histograms-section", busy.length);
  byId("histogram-site").append(make("option", { value: "" }, `all ${count(report.sites.length)} call sites of this report`),
    ...busy.map((site) => make("option", { value: site.id }, `${siteName(site)}, ${count(site.allocations)}`)));
  byId("histogram-site").addEventListener("change", showHistograms);
  if (busy.length) showHistograms();
}
