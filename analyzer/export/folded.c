/*
 * Folded stacks: outermost function first, joined by semicolons, a blank, the number. A semicolon or line end in a name
 * would change the stack and becomes a comma or blank.
 */
#include <inttypes.h>

#include "export.h"

static void put_name(FILE *out, const char *name) {
    for (; *name; name++) fputc(*name == ';' ? ',' : (unsigned char)*name < ' ' ? ' ' : *name, out);
}

int export_folded(FILE *out, const struct report *report, const struct export_options *options) {
    for (size_t i = 0; i < report->site_count; i++) {
        const struct report_site *site = &report->sites[i];
        int64_t value = export_value(site, options->metric);
        if (value == 0 || site->depth == 0) continue;
        for (size_t k = site->depth; k-- > 0;) {
            put_name(out, export_frame_name(&site->stack[k]));
            fputc(k ? ';' : ' ', out);
        }
        fprintf(out, "%" PRId64 "\n", value);
    }
    return export_flush(out);
}
