/* An escaping writer of XML, used by the JUnit renderer. */
#include "xml.h"

#include <stdint.h>

#include "../text/utf8.h"

struct xml xml_begin(FILE *out) {
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    return (struct xml){.out = out};
}

/* Characters that XML 1.0 has no way to write. */
static bool forbidden(uint32_t character) {
    return (character < 0x20 && character != '\t' && character != '\n' && character != '\r') || character == 0xfffe ||
           character == 0xffff || (character >= 0xd800 && character <= 0xdfff);
}

static const char *escaped(uint32_t character, bool attribute) {
    switch (character) {
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    case '"': return attribute ? "&quot;" : NULL;
    case '\n': return attribute ? "&#10;" : NULL;
    case '\t': return attribute ? "&#9;" : NULL;
    case '\r': return "&#13;";
    case 0xfffd: return "\xef\xbf\xbd";
    default: return forbidden(character) ? "\xef\xbf\xbd" : NULL;
    }
}

static void write_escaped(struct xml *xml, const char *text, bool attribute) {
    size_t length;
    for (uint32_t character; (character = utf8_next(text, &length)) != 0; text += length) {
        const char *entity = escaped(character, attribute);
        if (entity) fputs(entity, xml->out);
        else fwrite(text, 1, length, xml->out);
    }
}

static void indent(struct xml *xml) {
    for (int i = 0; i < xml->depth; i++) fputs("  ", xml->out);
}

static void end_tag(struct xml *xml) {
    if (xml->in_tag) fputs(xml->has_text ? ">" : ">\n", xml->out);
    xml->in_tag = false;
}

void xml_open(struct xml *xml, const char *name) {
    end_tag(xml);
    indent(xml);
    fprintf(xml->out, "<%s", name);
    xml->open[xml->depth++ % XML_DEPTH] = name;
    xml->in_tag = true;
    xml->has_text = false;
}

void xml_attribute(struct xml *xml, const char *name, const char *value) {
    if (!value) return;
    fprintf(xml->out, " %s=\"", name);
    write_escaped(xml, value, true);
    fputc('"', xml->out);
}

void xml_attribute_number(struct xml *xml, const char *name, long long value) {
    fprintf(xml->out, " %s=\"%lld\"", name, value);
}

void xml_text(struct xml *xml, const char *text) {
    xml->has_text = true;
    end_tag(xml);
    write_escaped(xml, text, false);
}

void xml_close(struct xml *xml) {
    const char *name = xml->open[--xml->depth % XML_DEPTH];
    if (xml->in_tag) {
        fputs("/>\n", xml->out);
    } else {
        if (!xml->has_text) indent(xml);
        fprintf(xml->out, "</%s>\n", name);
    }
    xml->in_tag = xml->has_text = false;
}
