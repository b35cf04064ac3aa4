/*
 * What the pages are built with: elements, numbers in words, tables, frames of stacks, the tip at the pointer and the theme.
 * Behind stacks.js in the script of a page. What comes from a trace becomes text nodes and attributes, never markup; there is
 * no network, and no storage but the theme.
 */
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

/* Elements. */

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

/* A half goes to the even digit, as in C: the page and the sentences in it say the same number. */
function fixed(value, decimals) {
  const steps = value * 10 ** decimals, half = Math.abs(steps) % 1 === 0.5 && value % 2 ** -30 === 0;
  return (half ? (2 * Math.round(steps / 2)) / 10 ** decimals : value).toFixed(decimals);
}

function scaled(value, units) {
  const unit = units.find(([size]) => Math.abs(value) >= size * 0.9995) || units[units.length - 1];
  const shown = value / unit[0];
  return fixed(shown, Math.abs(shown) >= 99.95 || Number.isInteger(shown) ? 0 : Math.abs(shown) >= 9.995 ? 1 : 2) + " " + unit[1];
}

const absent = (n) => n === null || n === undefined;
const bytes = (n) => (absent(n) ? ABSENT : scaled(n, [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [1024, "KiB"], [1, "B"]]));
const time = (n) => (absent(n) ? ABSENT : n === 0 ? "0 s" : scaled(n, [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]]));
const count = (n) => (absent(n) ? ABSENT : n.toLocaleString("en").replace(/,/g, "\u202f"));
const several = (n, what) => count(n) + " " + what + (n === 1 ? "" : "s");
const blocks = (n) => several(n, "block");
const real = (n) => (absent(n) ? ABSENT : Math.abs(n) >= 1000 ? count(Math.round(n)) : String(+n.toPrecision(3)));

/* As a shell takes it. */
const quoted = (argument) => (/^[\w@%+=:,./-]+$/.test(argument) ? argument : "'" + argument.replace(/'/g, "'\\''") + "'");

/* Tables. A column has a title and a cell of each row; it may have the class of a cell (mark), and what sorts by it. A row may
 * have notes, which go on below its name. */

function tableOf(columns, rows, notesOf = () => []) {
  const kind = (column) => (column.number ? "number" : column.name ? "name" : "");
  const head = make("tr", {}, ...columns.map((column) => make("th", { className: kind(column) }, column.sort ? make("button", { type: "button", onclick: column.sort }, column.title) : column.title)));
  const cellOf = (column, row) => make("td", { className: kind(column) + (column.mark ? " " + column.mark(row) : "") }, ...[column.cell(row)].flat());
  const noted = (notes) => make("tr", { className: "notes faint" }, make("td", { colSpan: columns.length }, ...notes.map((note) => make("div", {}, note))));
  const body = rows.flatMap((row) => [make("tr", {}, ...columns.map((column) => cellOf(column, row))), ...[notesOf(row)].filter((notes) => notes.length).map(noted)]);
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
}

/* Stacks. */

const fileOf = (path) => path.split("/").pop();
const placeOf = (frame) => (frame.file ? fileOf(frame.file) + (frame.line ? ":" + frame.line : "") : (frame.module || "") + "+0x" + frame.offset.toString(16));
const placeOfSite = (site) => (site.file ? make("span", { className: "faint place" }, fileOf(site.file) + ":" + site.line) : null);

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

/* A tree of calls as boxes, the largest child first; what is thinner than a pixel is left out. */
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

const pathTo = (node) => (node.parent ? [...pathTo(node.parent), node.name] : []);

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

/* What can be pointed at and opened: by the pointer, or by Enter. */
function answerTo(element, tip, open) {
  element.addEventListener("mousemove", (event) => showTip(event, tip));
  element.addEventListener("mouseleave", hideTip);
  element.addEventListener("click", open);
  element.addEventListener("keydown", (event) => { if (event.key === "Enter") open(); });
}

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
