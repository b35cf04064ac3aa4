/*
 * The report as one HTML file: the JSON report and a script that draws it, which works offline and under a policy that
 * allows nothing but this script and this style, known by their hashes. The parts lie in html/ and are built in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"
#include "sha256.h"

/* `name` and name_end: the bytes of a file, terminated. The path is relative to where the compiler runs. */
#define EMBED(name, path)                                                                                              \
    __asm__(".pushsection .rodata\n" #name ":\n.incbin \"" path "\"\n" #name "_end:\n.byte 0\n.popsection\n");         \
    extern const char name[] __attribute__((visibility("hidden")));                                                    \
    extern const char name##_end[] __attribute__((visibility("hidden")))

EMBED(html_style, "analyzer/render/html/page.css");
EMBED(html_script, "analyzer/render/html/page.js");
EMBED(html_body, "analyzer/render/html/body.html");

struct part {
    const char *start;
    size_t length;
};
#define PART(name) ((struct part){name, (size_t)((uintptr_t)name##_end - (uintptr_t)name)})

static void put_hash(FILE *out, struct part part) {
    char hash[SHA256_BASE64_SIZE];
    sha256_base64(part.start, part.length, hash);
    fprintf(out, "'sha256-%s'", hash);
}

static void put_head(FILE *out) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; form-action "
          "'none'; style-src ",
          out);
    put_hash(out, PART(html_style));
    fputs("; script-src ", out);
    put_hash(out, PART(html_script));
    fputs("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Tidemark "
          "report</title>\n<style>",
          out);
    fwrite(html_style, 1, PART(html_style).length, out);
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

int render_html(FILE *out, const struct report *report) {
    char *json = NULL;
    size_t size;
    FILE *memory = open_memstream(&json, &size);
    if (!memory) return -ENOMEM;
    int error = render_json(memory, report);
    if (fclose(memory) && !error) error = -ENOMEM;
    if (!error) {
        put_head(out);
        fwrite(html_body, 1, PART(html_body).length, out);
        put_data(out, json);
        fputs("<script>", out);
        fwrite(html_script, 1, PART(html_script).length, out);
        fputs("</script>\n</body>\n</html>\n", out);
    }
    free(json);
    return error ? error : fflush(out) || ferror(out) ? -EIO : 0;
}
