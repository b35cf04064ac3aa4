/*
 * What sites did over the run, and in the shown part of it: live bytes by site, the triangle of births and survivors,
 * histograms of sizes and lifetimes.
 */

/* Slices of the run. */

const HUES = [212, 28, 145, 350, 275, 185, 50, 320];
const sliceEnd = (slice) => Math.min((slice + 1) * report.slice_ns, wholeRun[1]);
const isZoomed = () => shown[0] !== wholeRun[0] || shown[1] !== wholeRun[1];

/* First and last slice of the shown time, to the nearest ends. */
function slicesShown() {
  const first = Math.max(0, Math.min(report.slices - 1, Math.round(shown[0] / report.slice_ns)));
  return [first, Math.max(first, Math.min(report.slices - 1, Math.round(shown[1] / report.slice_ns) - 1))];
}

/* A site's values at the end of the shown time, or their sum or highest in it. An empty course is 0 throughout. */
const sumOf = (values, [first, last]) => values.slice(first, last + 1).reduce((sum, value) => sum + value, 0);
const highest = (values, [first, last]) => Math.max(0, ...values.slice(first, last + 1));
const IN_PART = {
  live: (site, part) => site.live[part[1]] || 0, blocks: (site, part) => site.blocks[part[1]] || 0, resident: (site, part) => site.resident[part[1]] || 0,
  peak: (site, part) => highest(site.live, part), resident_peak: (site, part) => highest(site.resident, part),
  born: (site, part) => sumOf(site.born, part), born_bytes: (site, part) => sumOf(site.born_bytes, part), born_temporary: (site, part) => sumOf(site.born_temporary, part),
  grown: (site, part) => (site.live[part[1]] || 0) - (part[0] ? site.live[part[0] - 1] || 0 : 0),
};
const IN_RUN = {
  live: "live_bytes_end", blocks: "live_blocks_end", resident: "rss_bytes", peak: "live_at_peak", resident_peak: "rss_peak_bytes",
  born: "allocations", born_bytes: "allocated_bytes", born_temporary: "temporary",
};

function valueOf(site, name) {
  return isZoomed() || name === "grown" ? IN_PART[name](site, slicesShown()) : site[IN_RUN[name]];
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

const canStack = () => report.slices > 1 && report.sites.some((site) => site.live.length);

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
    area.addEventListener("pointermove", (event) => { event.stopPropagation(); showTip(event, `${name}\nmost ${bytes(Math.max(...values))}, end ${bytes(values[values.length - 1])}${sites ? `\nof ${several(sites, "call site")}; click: only this function below` : ""}`); });
    if (sites) area.addEventListener("click", () => chooseFunction(name));
    plot.append(area);
  }
}

function showStackKeys(stacked) {
  byId("curve-keys").classList.toggle("hidden", stacked);
  byId("site-keys").replaceChildren(...(stacked ? layersOverTime() : []).map(({ name, sites, color }) => {
    const key = make("span", { className: "key" });
    key.style.background = color;
    return make("button", { type: "button", className: "plain", disabled: !sites, onclick: () => chooseFunction(name) }, key, shortName(name) + (sites > 1 ? ` (${sites} sites)` : ""));
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

/* Survivors: round born × round. */

function roundsOf(cell, evidence) {
  const first = cell * evidence.alive_each + 1, last = Math.min(evidence.rounds, first + evidence.alive_each - 1);
  return last > first ? `rounds ${first} to ${last}` : `round ${first}`;
}

function drawCells(svg, evidence, side, cell) {
  const most = Math.max(1, ...evidence.alive);
  for (let row = 0; row < side; row++) {
    for (let birth = 0; birth <= row; birth++) {
      const value = evidence.alive[(row * (row + 1)) / 2 + birth];
      const box = draw("rect", { x: SIDE_LABEL + birth * cell, y: row * cell, width: cell - 1, height: cell - 1, class: value ? "alive" : "dead" });
      if (value) box.setAttribute("fill-opacity", (0.15 + 0.85 * Math.sqrt(value / most)).toFixed(2));
      box.addEventListener("pointermove", (event) => showTip(event, `born in ${roundsOf(birth, evidence)}\n${blocks(value)} alive after ${roundsOf(row, evidence)}`));
      svg.append(box);
    }
  }
}

const SIDE_LABEL = 30;

function triangleOf(site, evidence) {
  const side = Math.round((Math.sqrt(8 * evidence.alive.length + 1) - 1) / 2), cell = Math.min(24, 320 / side), size = side * cell;
  const svg = draw("svg", { viewBox: `0 0 ${SIDE_LABEL + 330} ${size + 20}`, class: "triangle", role: "img", "aria-label": `Blocks of ${siteName(site)} alive after each round, by the round of their birth` });
  drawCells(svg, evidence, side, cell);
  svg.addEventListener("pointerleave", hideTip);
  for (const at of new Set([0, side >> 1, side - 1])) {
    const label = String(at * evidence.alive_each + 1), middle = (at + 0.5) * cell;
    svg.append(draw("text", { class: "faint", x: SIDE_LABEL - 6, y: middle + 4, "text-anchor": "end" }, label), draw("text", { class: "faint", x: SIDE_LABEL + middle, y: size + 14, "text-anchor": "middle" }, label));
  }
  svg.append(draw("text", { class: "faint", x: SIDE_LABEL + 322, y: 12, "text-anchor": "end" }, "after round ↓  born in round →"));
  return svg;
}

/* Columns that go on to the bottom row are births that nobody released. */
function historyOf(site, growth) {
  const figures = [], evidence = growth && growth.evidence;
  if (site.live.length) figures.push(make("figure", {}, sparkOf(site, "grown"), make("figcaption", { className: "faint" }, `live bytes over the run, at most ${bytes(Math.max(...site.live))}, ${bytes(site.live[site.live.length - 1])} at the end`)));
  if (evidence && evidence.survivors.length) figures.push(make("figure", {}, barsOf(evidence.survivors, "survivors", "Blocks born in each round that are still alive"), make("figcaption", { className: "faint" }, "blocks born in each round that are still alive at the end of the phase")));
  const triangle = evidence && evidence.alive.length ? make("figure", {}, triangleOf(site, evidence), make("figcaption", { className: "faint" }, "Survivors: a column is what was born in one round, followed downwards; what reaches the bottom was not released in the phase")) : null;
  return make("div", { className: "columns" }, make("div", {}, ...figures), triangle);
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
    bar.addEventListener("pointermove", (event) => showTip(event, `${show(from)} to below ${show(to)}\n${blocks(n)}`));
    bar.addEventListener("pointerleave", hideTip);
    svg.append(bar);
    if (n === most) svg.append(draw("text", { class: "faint", x: Math.min(width - 60, x), y: height - size - 4 }, count(n)));
    if (index % Math.ceil(shownCounts.length / 6) === 0) svg.append(draw("text", { class: "faint", x: Math.min(width - 50, x), y: height + 15 }, show(from)));
  });
  return svg;
}

function addedUp(sites, field) {
  const sum = [];
  for (const site of sites) site[field].forEach((n, index) => { sum[index] = (sum[index] || 0) + n; });
  return Array.from(sum, (n) => n || 0);
}

const chosenSites = (id) => (id ? report.sites.filter((site) => site.id === id) : report.sites);

/* Of the shown part: blocks allocated, and blocks freed, in its slices. */
function addedUpIn(slices) {
  const [first, last] = slicesShown();
  return addedUp(slices.slice(first, last + 1).map((counts) => ({ counts })), "counts");
}

/* One site's are known for the whole run only. */
function showHistograms() {
  const id = byId("histogram-site").value, part = isZoomed() && !id && report.slice_sizes.length, sites = chosenSites(id);
  const sizes = part || !id ? addedUpIn(report.slice_sizes) : addedUp(sites, "sizes"), lifetimes = part || !id ? addedUpIn(report.slice_lifetimes) : addedUp(sites, "lifetimes");
  const show = (counts, values, label, none) => (counts.some((n) => n) ? histogramOf(counts, values, label) : make("p", { className: "faint" }, none));
  byId("histogram-scope").textContent = isZoomed() && id ? "whole run" : "";
  byId("sizes").replaceChildren(make("h3", {}, "Sizes asked for"), show(sizes, bytes, "Allocations by size", "None was allocated."));
  byId("lifetimes").replaceChildren(make("h3", {}, "Lifetimes of freed blocks"), show(lifetimes, time, "Freed blocks by lifetime", "None was freed."));
}

function startHistograms() {
  const busy = report.sites.filter((site) => site.sizes.length).sort((a, b) => b.allocations - a.allocations).slice(0, 60);
  hideUnless("histograms-section", busy.length);
  byId("histogram-site").append(make("option", { value: "" }, "all call sites"),
    ...busy.map((site) => make("option", { value: site.id }, `${shortName(siteName(site))}, ${count(site.allocations)}`)));
  byId("histogram-site").addEventListener("change", showHistograms);
  if (busy.length) showHistograms();
}
