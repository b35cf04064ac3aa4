/*
 * Draws a comparison from the JSON that the page holds. Behind basics.js in its script.
 */
const diff = unpackStacks(JSON.parse(document.getElementById("data").textContent));
const signed = (show) => (n) => (n === 0 ? "=" : (n > 0 ? "+" : "") + show(n));
const pair = (show) => (before, after) => (absent(before) && absent(after) ? ABSENT : make("span", { className: "pair" }, show(before) + " → " + show(after)));

/* Head and totals. */

const TITLES = {
  live_bytes_end: ["Live at the end", bytes], peak_live_bytes: ["Peak live", bytes], peak_rss_bytes: ["Peak RSS", bytes],
  allocations: ["Allocations", count], allocated_bytes: ["Bytes allocated", bytes], temporary_allocations: ["Temporary allocations", count],
};
const changes = diff.sites_by_change;
const badge = (change) => make("span", { className: "badge " + change }, change);

function headline() {
  const parts = diff.totals.filter((total) => total.judged && total.change !== "same").map((total) => TITLES[total.name][0].replace(/^\w/, (first) => first.toLowerCase()) + " " + signed(TITLES[total.name][1])(total.new - total.old));
  const leaks = diff.findings.filter((finding) => finding.kind === "leak" && ["new", "grown"].includes(finding.change)).length;
  if (leaks) parts.unshift(leaks + (leaks === 1 ? " new leak" : " new leaks"));
  for (const [change, words] of [["new", "new call sites"], ["grown", "call sites grew"], ["shrunk", "shrank"], ["gone", "gone"], ["moved", "moved"]])
    if (changes[change]) parts.push(changes[change] + " " + (changes[change] === 1 ? words.replace("sites", "site") : words));
  return parts.length ? parts.join(", ") : "No difference beyond noise";
}

function workOf() {
  const work = diff.work;
  if (!work) return "Nothing says how much work the two did: values are compared as they are.";
  const amounts = `${work.kind} of ${diff.work_phase}: ${count(work.old)} and ${count(work.new)}`;
  return work.old === work.new ? amounts + ", the same work." : `${amounts}: new did ${real(work.ratio)} times the work of old. What builds up with the work is compared for each of the ${work.kind}; other values count only where they changed both as they are and for the work done.`;
}

function showHead() {
  document.title = "Tidemark: " + (diff.grew ? "grew" : "did not grow");
  byId("headline").replaceChildren(make("span", { className: "badge " + (diff.grew ? "grown" : "ok") }, diff.grew ? "grew" : "did not grow"), " ", headline());
  for (const [which, side] of [["old", diff.old], ["new", diff.new]])
    byId("sides").append(make("p", {}, make("b", {}, which), " ", (side.args.length ? side.args.map(quoted).join(" ") : side.exe) || "?", make("span", { className: "faint" }, ` · ${side.path} · ${time(side.duration_ns)}${side.processes > 1 ? ` · ${side.processes} processes` : ""} · `), make("span", { className: "badge " + side.result }, side.result)));
  byId("sides").append(make("p", { className: "faint" }, workOf()));
  if (diff.unlike) byId("sides").append(make("p", {}, diff.unlike[0].toUpperCase() + diff.unlike.slice(1) + "."));
  byId("about").textContent = `A change is more than ${real(diff.tolerance.margin * 100)} % of the larger value and more than ${bytes(diff.tolerance.least_bytes)} (RSS: ${bytes(diff.tolerance.least_rss_bytes)}).`;
  byId("totals").append(tableOf([
    { title: "", name: true, cell: (total) => TITLES[total.name][0] },
    { title: "Old", number: true, cell: (total) => TITLES[total.name][1](total.old) },
    { title: "New", number: true, cell: (total) => TITLES[total.name][1](total.new) },
    { title: "Change", number: true, mark: (total) => (total.judged ? total.change : ""), cell: (total) => (absent(total.old) || absent(total.new) ? ABSENT : signed(TITLES[total.name][1])(total.new - total.old)) },
    { title: "", cell: (total) => (total.judged && total.change !== "same" ? badge(total.change) : total.judged ? "" : make("span", { className: "faint" }, "shown only")) },
  ], diff.totals));
}

/* Flame graph of the difference. */

const METRICS = [
  ["live at the end", bytes, "live_bytes_end"], ["peak of each call site", bytes, "peak_bytes"], ["live at the peak", bytes, "live_at_peak"],
  ["allocated bytes", bytes, "allocated_bytes"], ["allocations", count, "allocations"], ["temporary allocations", count, "temporary"],
];
let zoomedTo = null, WIDTH = 1160;

function treeOf(field, inverted, changedOnly) {
  const root = { name: "all", before: 0, after: 0, value: 0, children: new Map(), frame: null };
  const add = (node, before, after) => { node.before += before; node.after += after; node.value += Math.max(before, after); };
  for (const site of diff.sites) {
    const before = site.old[field], after = site.new[field];
    if (Math.max(before, after) <= 0 || (changedOnly && site.change === "same")) continue;
    let node = root;
    add(root, before, after);
    for (const frame of inverted ? ownFrames(site.stack) : ownFrames(site.stack).slice().reverse()) {
      const name = nameOf(frame);
      if (!node.children.has(name)) node.children.set(name, { name, before: 0, after: 0, value: 0, children: new Map(), frame, parent: node });
      node = node.children.get(name);
      add(node, before, after);
    }
  }
  return root;
}

/* Full red at twice as much, full blue at nothing left. */
function colorOf(node) {
  const share = Math.max(-1, Math.min(1, (node.after - node.before) / (Math.min(node.before, node.after) + 1)));
  const strength = Math.round(Math.min(1, Math.abs(share)) * 100);
  return `color-mix(in srgb, var(${share > 0 ? "--more" : "--less"}) ${Math.abs(share) < 0.005 ? 0 : Math.max(12, strength)}%, var(--even))`;
}

function frameBox(box, show, pattern) {
  const { node, x, width, depth } = box, height = 20, by = signed(show)(node.after - node.before);
  const found = pattern && node.name.toLowerCase().includes(pattern);
  const group = draw("g", { class: "frame", tabindex: "0", role: "button", "aria-label": `${node.name} ${by}` });
  const rect = draw("rect", { x, y: depth * height, width: Math.max(1, width), height: height - 1, rx: 2 });
  rect.style.fill = colorOf(node);
  if (pattern && !found) group.style.opacity = "0.35";
  group.append(rect);
  const room = Math.floor((width - 6) / 6.7), label = node.name + " " + by;
  if (room > 3) group.append(draw("text", { x: x + 4, y: depth * height + 14 }, label.length <= room ? label : cutName(node.name, room)));
  const tip = `${node.name}\n${show(node.before)} → ${show(node.after)} (${by})` + (node.frame ? "\n" + placeOf(node.frame) : "");
  const open = () => { zoomedTo = node.parent ? pathTo(node) : null; showFlame(); };
  answerTo(group, tip, open);
  return group;
}

function showFlame() {
  const [, show, field] = METRICS[byId("metric").selectedIndex], root = treeOf(field, byId("inverted").checked, byId("changed").checked);
  const pattern = byId("search").value.trim().toLowerCase(), boxes = [];
  let top = root;
  for (const name of zoomedTo || []) top = (top && top.children.get(name)) || null;
  layOut(top || root, 0, WIDTH, 0, boxes);
  hideTip();
  const rows = Math.max(0, ...boxes.map((box) => box.depth)) + 1;
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${rows * 20}`, role: "group", "aria-label": "Call tree of the difference" });
  svg.append(...boxes.map((box) => frameBox(box, show, pattern)));
  byId("flame").replaceChildren(root.value ? svg : make("p", { className: "faint" }, "Nothing to show for this value."));
  byId("found").textContent = `${show(root.before)} → ${show(root.after)} in all`;
}

/* Tables. */

function showPhases() {
  byId("phases-section").classList.toggle("hidden", !diff.phases.length);
  const hasItems = diff.phases.some((phase) => [phase.old, phase.new].some((side) => side && !absent(side.items_per_s)));
  const both = (field, show) => (phase) => pair(show)(phase.old && phase.old[field], phase.new && phase.new[field]);
  byId("phases").append(tableOf([
    { title: "Phase", name: true, cell: (phase) => [phase.name, phase.old && phase.new ? "" : make("span", { className: "faint" }, phase.old ? " only in old" : " only in new")] },
    { title: "Rounds", number: true, cell: both("rounds", count) }, { title: "Time", number: true, cell: both("duration_ns", time) },
    ...(hasItems ? [{ title: "Items/s", number: true, cell: both("items_per_s", real) }] : []), { title: "RSS peak", number: true, cell: both("rss_peak", bytes) },
    { title: "Live peak", number: true, cell: both("live_peak", bytes) },
    { title: "Kept per unit", number: true, cell: (phase) => [pair(bytes)(absent(phase.kept_per_unit_old) ? null : Math.round(phase.kept_per_unit_old), absent(phase.kept_per_unit_new) ? null : Math.round(phase.kept_per_unit_new)), make("div", { className: "faint" }, phase.work ? "of " + phase.work.kind : "")] },
    { title: "", cell: (phase) => (phase.old && phase.new && phase.change !== "same" ? badge(phase.change) : "") },
  ], diff.phases));
}

function findingsTable(findings) {
  return tableOf([
    { title: "", cell: (finding) => badge(finding.change) }, { title: "", cell: (finding) => finding.kind },
    { title: "Call site", name: true, cell: (finding) => [shortName(finding.function || "(unnamed)"), finding.phase ? make("span", { className: "faint" }, " in " + finding.phase) : "", make("div", { className: "faint" }, finding.reason || "")] },
    { title: "Old", cell: (finding) => finding.class_old || ABSENT }, { title: "New", cell: (finding) => finding.class_new || ABSENT },
    { title: "Site", cell: (finding) => finding.site || "" },
  ], findings);
}

/* Warnings that both have are no news. */
function showFindings() {
  const still = diff.findings.filter((finding) => finding.kind === "warning" && finding.change === "same");
  const news = diff.findings.filter((finding) => !still.includes(finding));
  byId("findings-section").classList.toggle("hidden", !diff.findings.length);
  if (news.length) byId("findings").append(findingsTable(news));
  if (still.length) byId("findings").append(make("details", {}, make("summary", {}, `${still.length} ${still.length === 1 ? "warning" : "warnings"} that both have`), findingsTable(still)));
}

function showSites() {
  const pattern = byId("site-search").value.trim().toLowerCase();
  const matching = diff.sites.filter((site) => !pattern || site.stack.some((frame) => nameOf(frame).toLowerCase().includes(pattern)));
  const some = matching.slice(0, 200), by = (field, show) => (site) => signed(show)(site.new[field] - site.old[field]);
  byId("sites-section").classList.toggle("hidden", !diff.sites.length);
  byId("sites").replaceChildren(tableOf([
    { title: "", cell: (site) => badge(site.change) },
    { title: "Call site", name: true, cell: (site) => make("details", {}, make("summary", {}, site.stack.length ? shortName(nameOf(site.stack[0])) : "(unknown)", " ", placeOfSite(site)), stackOf(site.stack)) },
    { title: "Live at the end", number: true, cell: (site) => pair(bytes)(site.old.live_bytes_end, site.new.live_bytes_end) },
    { title: "by", number: true, mark: (site) => site.change, cell: by("live_bytes_end", bytes) },
    { title: "Peak", number: true, cell: (site) => pair(bytes)(site.old.peak_bytes, site.new.peak_bytes) },
    { title: "by", number: true, mark: (site) => site.change, cell: by("peak_bytes", bytes) },
    { title: "Allocations by", number: true, cell: by("allocations", count) },
  ], some));
  const total = Object.values(changes).reduce((sum, n) => sum + n, 0);
  byId("site-count").textContent = `${count(some.length)} of ${count(total)}: ${changes.new} new, ${changes.grown} grown, ${changes.shrunk} shrunk, ${changes.gone} gone, ${changes.moved} moved`;
}

function showDoubts() {
  const doubts = [["old", diff.old], ["new", diff.new]].flatMap(([which, side]) => side.doubts.map((doubt) => which + ": " + doubt));
  byId("doubts-section").classList.toggle("hidden", !doubts.length);
  byId("doubts").append(make("ul", {}, ...doubts.map((doubt) => make("li", {}, doubt))));
}

function fitWidth() {
  WIDTH = Math.max(340, byId("flame").clientWidth || 1160);
  showFlame();
}

function listen() {
  const whole = () => { zoomedTo = null; byId("search").value = ""; showFlame(); };
  byId("theme").addEventListener("click", switchTheme);
  for (const id of ["metric", "inverted", "changed"]) byId(id).addEventListener("change", () => { zoomedTo = null; showFlame(); });
  byId("search").addEventListener("input", () => showFlame());
  byId("whole").addEventListener("click", whole);
  byId("site-search").addEventListener("input", () => showSites());
  addEventListener("resize", fitWidth);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") whole();
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(document.activeElement.tagName)) { event.preventDefault(); byId("search").focus(); }
  });
}

setTheme(firstTheme());
byId("metric").append(...METRICS.map(([title]) => make("option", {}, title)));
byId("metric").selectedIndex = Math.max(0, METRICS.findIndex(([, , field]) => diff.sites.some((site) => site.change !== "same" && site.new[field] !== site.old[field])));
byId("changed").checked = diff.sites.some((site) => site.change !== "same") && diff.sites.length > 300;
byId("flame-section").classList.toggle("hidden", !diff.sites.length);
showHead();
showPhases();
showFindings();
showSites();
showDoubts();
listen();
fitWidth();
