/*
 * The report as one HTML file: the JSON report and a script that draws it. The parts lie in html/ and are built in.
 */
#include <errno.h>
#include <stdlib.h>

#include "html_data.h"
#include "html_page.h"
#include "render.h"

#define SCRIPT(name) INCLUDE_BYTES("analyzer/render/html/" name ".js")
EMBED_BYTES(html_script, SCRIPT("stacks") SCRIPT("basics") SCRIPT("report") SCRIPT("curve") SCRIPT("history")
                             SCRIPT("findings") SCRIPT("flame") SCRIPT("resident") SCRIPT("tables") SCRIPT("page"));
EMBED(html_body, "analyzer/render/html/body.html");

int render_html(FILE *out, const struct report *report) {
    const struct html_page page = {
        .title = "Tidemark report", .body = HTML_PART(html_body), .script = HTML_PART(html_script)};
    char *json = NULL;
    size_t size;
    FILE *memory = open_memstream(&json, &size);
    if (!memory) return -ENOMEM;
    int error = html_data_write(memory, report);
    if (fclose(memory) && !error) error = -ENOMEM;
    if (!error) error = html_write(out, &page, json);
    free(json);
    return error;
}
