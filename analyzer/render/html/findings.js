/*
 * The verdict in a line, and a card for each leak and warning.
 */

/* Verdict. */

const MEANINGS = {
  pass: "No call site keeps growing", warn: "No leak, but growth to look at", leak: "Memory is kept in every round",
  budget: "A budget was exceeded", inconclusive: "A rule or phase could not be judged",
  "nothing-judged": "No rounds that could be judged",
};

function headline() {
  const verdict = report.verdict, first = verdict.leaks[0];
  const open = verdict.judged.not_judged, missing = verdict.judged.rounds_missing;
  if (verdict.result === "pass" && open)
    return (verdict.judged.sites ? MEANINGS.pass : "Nothing that grew could be judged") + "; " + count(open) + (open === 1 ? " needs " : " need ") +
      (missing ? (open === 1 ? "" : "up to ") + several(missing, "more round") : "more rounds");
  const steady = verdict.warnings[0], others = verdict.warnings.length - 1 + report.left_out.warnings;
  if (verdict.result === "warn" && steady && steady.class === "growing" && siteById.has(steady.site))
    return "No leak, but " + shortName(siteName(siteById.get(steady.site))) + " grows in " + steady.phase + (others ? ", and " + several(others, "more warning") : "");
  if (verdict.result !== "leak" || !first) return MEANINGS[verdict.result] || verdict.result;
  const growth = growthOf(first), more = verdict.leaks.length - 1 + report.left_out.leaks;
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

/* What it comes to in a day, where the phase went on for ten seconds at least, as the text report has it. */
function bytesPerDay(growth, site) {
  const phase = report.phases.find((each) => each.name === growth.phase && each.process_index === site.process_index);
  const seconds = phase ? (phase.end - phase.begin) / 1e9 : 0;
  return growth.bytes_per_round && seconds >= 10 ? (growth.bytes_per_round * growth.evidence.rounds * 86400) / seconds : null;
}

function evidenceOf(growth, site) {
  const evidence = growth.evidence, held = growth.held_until;
  const told = evidence.sentence ? [] : [`${evidence.k} of ${evidence.n} ${evidence.n === 1 ? "evidence round" : "evidence rounds"} added blocks (${several(evidence.rounds, "round")})`, held && (held === "never" ? "never released" : "released only at " + held),
    growth.bytes_per_round && bytes(growth.bytes_per_round) + " per round" + (growth.ci_low !== null && bytes(growth.ci_low) !== bytes(growth.ci_high) ? ` (${bytes(growth.ci_low)} to ${bytes(growth.ci_high)})` : "")];
  const facts = [...told, bytesPerDay(growth, site) && "at this pace " + bytes(bytesPerDay(growth, site)) + " a day",
    growth.bytes_per_item !== null && growth.bytes_per_item >= 0.01 ? bytes(growth.bytes_per_item) + " per item" : null,
    site.live_blocks_end ? bytes(site.live_bytes_end) + " live in " + blocks(site.live_blocks_end) + " at the end" : "none live at the end",
    growth.threads_affected > 1 ? growth.threads_affected + " threads" : null];
  return facts.filter(Boolean).join(" · ");
}

function cardBody(finding, site, growth) {
  const sentence = growth && growth.evidence.sentence ? growth.evidence.sentence : finding.reason;
  const parts = sentence ? [make("p", {}, sentence)] : [], process = site && report.processes.length > 1 && report.processes[site.process_index];
  if (process) parts.unshift(make("p", { className: "faint" }, `process ${fileOf(process.exe || "?")}, pid ${process.pid}`));
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

/* What one source line gave on several stacks: one line with the sum, as the report has it. */
function showSum({ function: name, file, line, phase, stacks, bytes_per_round: rate }) {
  return make("p", {}, `Together: ${name ? shortName(name) + ", " : ""}${fileOf(file)}:${line}, in ${phase || "the run"}: ${stacks} stacks${rate ? `, ${bytes(rate)} per round` : ""}`);
}

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
  place.append(...report.together.map(showSum));
  if (out.leaks + out.warnings) place.append(make("p", { className: "faint" }, `${several(out.leaks, "further leak")} and ${several(out.warnings, "further warning")}, all smaller, are in the JSON report.`));
}
