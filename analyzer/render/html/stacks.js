"use strict";
/* The stacks of sites from the tables in which texts, frames and callers stand once. First in the script of a page. */
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
