/*
 * Writes XML 1.0: every name is the caller's, every text is escaped here. Elements are closed in the order in which
 * they were opened. A failed write shows in ferror() of the stream.
 */
#ifndef RENDER_XML_H
#define RENDER_XML_H

#include <stdbool.h>
#include <stdio.h>

#define XML_DEPTH 16

struct xml {
    FILE *out;
    const char *open[XML_DEPTH]; /* names of the elements that are open */
    int depth;
    bool in_tag;   /* the start tag still takes attributes */
    bool has_text; /* the innermost element holds text, so its end tag stays on the line */
};

struct xml xml_begin(FILE *out); /* writes the declaration */
void xml_open(struct xml *xml, const char *name);
void xml_attribute(struct xml *xml, const char *name, const char *value);
void xml_attribute_number(struct xml *xml, const char *name, long long value);
void xml_text(struct xml *xml, const char *text);
void xml_close(struct xml *xml);

#endif
