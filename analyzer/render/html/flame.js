/*
 * The call tree of what call sites hold or made: as wide as their share, by a measure of choice.
 */

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
  answerTo(group, tip, open);
  return group;
}

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
