/*
 * Text from a trace in Markdown: every character that Markdown or HTML would take for markup is escaped, and a long
 * text is cut. For cells of tables and outside code.
 */
#ifndef RENDER_MARKDOWN_TEXT_H
#define RENDER_MARKDOWN_TEXT_H

#include <stdio.h>

void markdown_put(FILE *out, const char *text); /* NULL: nothing */

#endif
