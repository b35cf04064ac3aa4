/*
 * A page in one file that works offline and under a policy that allows nothing but its own script and style, known by
 * their hashes. Data reaches the page as JSON that the script reads.
 */
#ifndef RENDER_HTML_PAGE_H
#define RENDER_HTML_PAGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * `name` and name_end: the bytes of a file, terminated; of several files in a row, EMBED_BYTES(name,
 * INCLUDE_BYTES(path) …). Paths are relative to where the compiler runs.
 */
#define EMBED(name, path) EMBED_BYTES(name, INCLUDE_BYTES(path))
#define INCLUDE_BYTES(path) ".incbin \"" path "\"\n"
#define EMBED_BYTES(name, bytes)                                                                                       \
    __asm__(".pushsection .rodata\n" #name ":\n" bytes #name "_end:\n.byte 0\n.popsection\n");                         \
    extern const char name[] __attribute__((visibility("hidden")));                                                    \
    extern const char name##_end[] __attribute__((visibility("hidden")))

struct html_part {
    const char *start;
    size_t length;
};
#define HTML_PART(name) ((struct html_part){name, (size_t)((uintptr_t)name##_end - (uintptr_t)name)})

struct html_page {
    const char *title;      /* markup */
    struct html_part style; /* beside the style that all pages have; may be empty */
    struct html_part body, script;
};

/* 0 or -EIO. */
int html_write(FILE *out, const struct html_page *page, const char *json);

#endif
