/*
 * Stacks in few bytes, for data that a page carries: texts, frames and stacks are kept once and referred to by number.
 *
 *   texts   [TEXT…]
 *   frames  [[function, file, line, module, offset, inlined]…]: texts by number, -1 absent; line 0 absent
 *   nodes   [parent, frame, parent, frame…]: a caller and a frame below it; parent -1 at the outermost
 *
 * html/stacks.js undoes it.
 */
#ifndef RENDER_HTML_STACKS_H
#define RENDER_HTML_STACKS_H

#include <jansson.h>

#define HTML_DIGITS 6u /* of the real numbers in a page's data */

/*
 * Of each of data's "sites", the stack becomes the number of its node, -1 without frames; what its first frame says of
 * function, file, line and module goes. Takes the reference; NULL: out of memory.
 */
json_t *html_pack_stacks(json_t *data);

#endif
