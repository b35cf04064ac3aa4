/*
 * Draws the report; last in the script of its page.
 */

function showTiles() {
  const totals = report.totals, first = report.processes[0];
  const tiles = [
    ["peak live", bytes(totals.peak_live_bytes)], [report.processes.length > 1 ? "live where processes ended" : "live at the end", bytes(totals.live_bytes_end)], ["peak RSS", bytes(totals.peak_rss_bytes), "without the recorder's own pages"],
    ["allocations", count(totals.allocations)], ["temporary", count(totals.temporary_allocations)], ["time", first ? time(wholeRun[1] - wholeRun[0]) : ABSENT],
    ["RSS growth explained", totals.explained_share === null ? ABSENT : Math.round(totals.explained_share * 100) + " %"],
  ];
  for (const [label, value, title] of tiles.filter((tile) => tile[1] !== ABSENT)) byId("tiles").append(make("div", { className: "tile", title: title || "" }, make("b", {}, value), label));
  const command = first ? (first.args.length ? first.args.map(quoted).join(" ") : first.exe) : "";
  byId("about").textContent = [command, first && "pid " + first.pid, first && first.started, report.system.kernel && "Linux " + report.system.kernel, report.system.libc && "glibc " + report.system.libc,
    report.system.allocator, several(report.trace.events, "event") + " in " + bytes(report.trace.size_bytes), report.trace.path].filter(Boolean).join(" · ");
}

const MOST_DOUBTS = 8;

function showDoubts() {
  const doubts = report.doubts.slice();
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
