/*
 * Whose the resident pages are: over time, at the highest RSS and in the end.
 */
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
  return process && report.processes.length > 1 ? `Of ${fileOf(process.exe || "?")}, pid ${process.pid}, which had most resident of the ${count(report.processes.length)} processes.` : "";
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
