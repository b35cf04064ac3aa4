/*
 * The report as one HTML file: the JSON report and a script that draws it. The parts lie in html/ and are built in.
 */
#include <errno.h>
#include <stdlib.h>

#include "html_data.h"
#include "html_page.h"
#include "render.h"

EMBED_THREE(html_script, "analyzer/render/html/stacks.js", "analyzer/render/html/history.js",
            "analyzer/render/html/page.js");
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
