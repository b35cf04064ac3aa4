/*
 * Memory over time, with the phases below it, and the choice of the time that all else on the page is of.
 */
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

/* The first ones that are in sight, with names where these do not cover each other. */
function drawMarks(svg) {
  let free = LEFT;
  const visible = report.marks.filter((mark) => mark.t !== null && mark.t >= shown[0] && mark.t <= shown[1]).sort((a, b) => a.t - b.t);
  for (const mark of visible.slice(0, 500)) {
    const x = xOf(mark.t), line = draw("line", { class: "mark", x1: x.toFixed(1), x2: x.toFixed(1), y1: 0, y2: PLOT });
    const label = mark.name.length > 24 ? mark.name.slice(0, 23) + "…" : mark.name;
    line.addEventListener("mousemove", (event) => showTip(event, `${mark.name}\n${time(mark.t)}`));
    line.addEventListener("mouseleave", hideTip);
    svg.append(line);
    if (x < free || x + label.length * 6.6 > WIDTH) continue;
    svg.append(draw("text", { class: "faint", x: x + 3, y: 10 }, label));
    free = x + label.length * 6.6;
  }
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
  drawMarks(svg);
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
