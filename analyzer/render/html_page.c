/*
 * Writes a page around its data. See html_page.h.
 */
#include "html_page.h"

#include <string.h>

#include "../stream.h"

#include "sha256.h"

EMBED(html_style, "analyzer/render/html/page.css");

static void put_part(FILE *out, struct html_part part) {
    if (part.length) fwrite(part.start, 1, part.length, out);
}

static void put_hash(FILE *out, struct html_part part) {
    char hash[SHA256_BASE64_SIZE];
    sha256_base64(part.start, part.length, hash);
    fprintf(out, " 'sha256-%s'", hash);
}

static void put_head(FILE *out, const struct html_page *page) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; form-action "
          "'none'; style-src",
          out);
    put_hash(out, HTML_PART(html_style));
    put_hash(out, page->style);
    fputs("; script-src", out);
    put_hash(out, page->script);
    fprintf(out,
            "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s</title>\n<style>",
            page->title);
    put_part(out, HTML_PART(html_style));
    fputs("</style>\n<style>", out);
    put_part(out, page->style);
    fputs("</style>\n</head>\n<body>\n", out);
}

/* In a script element only < could end it; inside JSON it occurs in strings alone, where it may be written so. */
static void put_data(FILE *out, const char *json) {
    fputs("<script type=\"application/json\" id=\"data\">", out);
    for (const char *at = json; *at; at++) {
        size_t plain = strcspn(at, "<");
        fwrite(at, 1, plain, out);
        at += plain;
        if (!*at) break;
        fputs("\\u003c", out);
    }
    fputs("</script>\n", out);
}

int html_write(FILE *out, const struct html_page *page, const char *json) {
    put_head(out, page);
    put_part(out, page->body);
    put_data(out, json);
    fputs("<script>", out);
    put_part(out, page->script);
    fputs("</script>\n</body>\n</html>\n", out);
    return stream_end(out);
}
