/*
 * The comparison as one HTML file: its JSON and a script that draws it. The parts lie in html/ and are built in.
 */
#include <errno.h>
#include <stdlib.h>

#include "diff.h"
#include "html_page.h"
#include "html_stacks.h"
#include "json_report.h"
#include "json_writer.h"

EMBED(diff_style, "analyzer/render/html/diff.css");
EMBED_BYTES(diff_script, INCLUDE_BYTES("analyzer/render/html/stacks.js") INCLUDE_BYTES("analyzer/render/html/basics.js")
                             INCLUDE_BYTES("analyzer/render/html/diff.js"));
EMBED(diff_body, "analyzer/render/html/diff.html");

int render_diff_html(FILE *out, const struct comparison *comparison) {
    const struct html_page page = {"Tidemark comparison", HTML_PART(diff_style), HTML_PART(diff_body),
                                   HTML_PART(diff_script)};
    char *json = NULL;
    size_t size;
    FILE *memory = open_memstream(&json, &size);
    if (!memory) return -ENOMEM;
    json_t *data = json_of_comparison(comparison);
    int error = json_write_compact(memory, data ? html_pack_stacks(data) : NULL, HTML_DIGITS, "");
    if (fclose(memory) && !error) error = -ENOMEM;
    if (!error) error = html_write(out, &page, json);
    free(json);
    return error;
}
