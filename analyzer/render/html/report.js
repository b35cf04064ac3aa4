/*
 * What the page of a report holds: the JSON report, unpacked, and its call sites by their ids. Behind basics.js in its script.
 */
const report = unpacked(JSON.parse(byId("data").textContent));

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

const siteById = new Map(report.sites.map((site) => [site.id, site]));
const siteName = (site) => (site ? site.function || (site.stack.length ? nameOf(site.stack[0]) : site.module || "(unknown)") : "");

function growthOf(finding) {
  const site = siteById.get(finding.site);
  return (site && site.growth.find((growth) => growth.phase === finding.phase)) || null;
}
