"use strict";
/* Stacks and the names in them. First in the script of a page. */

/* From the tables in which texts, frames and callers stand once. */
function unpackStacks(data) {
  const text = (number) => (number < 0 ? null : data.texts[number]);
  const frames = data.frames.map(([name, file, line, module, offset, inlined]) => ({ function: text(name), file: text(file), line: line || null, module: text(module), offset, inlined: Boolean(inlined) }));
  const stack = (node) => {
    const found = [];
    for (; node >= 0; node = data.nodes[2 * node]) found.push(frames[data.nodes[2 * node + 1]]);
    return found;
  };
  for (const site of data.sites) {
    site.stack = stack(site.stack);
    const { function: name, file, line, module } = site.stack[0] || { function: null, file: null, line: null, module: null };
    Object.assign(site, { function: name, file, line, module });
  }
  return data;
}

const nameOf = (frame) => frame.function || (frame.module ? frame.module + "+0x" + frame.offset.toString(16) : "(unknown)");

/* map<string, vector<int>>::insert becomes map<…>::insert; the signs of operators are no brackets. */
function folded(name) {
  let depth = 0, text = "";
  for (const [part] of name.matchAll(/operator[<>=\-!+*/&|^%,()[\]]*|[^]/g)) {
    if (part === ">" && depth > 0) depth--;
    if (depth === 0) text += part;
    if (part === "<" && depth++ === 0) text += "…";
  }
  return depth === 0 ? text : name;
}

const LONG_NAME = 70;
const shortName = (name) => (name.length > LONG_NAME ? folded(name) : name);

/* As much of it as fits in that many characters. */
function cutName(name, room) {
  const text = name.length > room ? folded(name) : name;
  return text.length > room ? text.slice(0, room - 1) + "…" : text;
}
