/*
 * Writes columns, colours and names to a terminal or a plain file. It knows at which column it stands, replaces what
 * the style cannot show, and lets no control character of a name through. Texts given to pen_put are our own and
 * trusted; everything that comes from a trace goes through pen_name.
 */
#ifndef RENDER_PEN_H
#define RENDER_PEN_H

#include "render.h"

enum tint {
    TINT_NONE,
    TINT_TITLE,
    TINT_FAINT,
    TINT_GOOD,
    TINT_WARN,
    TINT_BAD,
    TINT_LIVE,
    TINT_RSS,
    TINT_LIVE_ON_RSS,
    TINT_NAME
};

struct pen {
    FILE *out;
    struct text_style style;
    int column;            /* from 0 */
    bool inked;            /* there is more than blanks in the line */
    enum tint tint, drawn; /* of what is put next; what the terminal was told, when something was put in it */
};

struct pen pen_for(FILE *out, const struct text_style *style);
/* 0, or -errno if anything could not be written. */
int pen_done(struct pen *pen);

/* Told to the terminal before the next character that shows it, and taken back at the end of the line. */
void pen_tint(struct pen *pen, enum tint tint);
void pen_put(struct pen *pen, const char *text);
void pen_print(struct pen *pen, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pen_tinted(struct pen *pen, enum tint tint, const char *text);
/* Text right-aligned in `width` columns; a longer one is not cut. */
void pen_right(struct pen *pen, int width, const char *text);
/* Spaces up to the column; one at least, unless the pen stands there or at the start. */
void pen_to(struct pen *pen, int column);
void pen_line(struct pen *pen);
/*
 * A text from the trace: escaped, template arguments folded and the middle cut where it is wider than `room` columns.
 */
void pen_name(struct pen *pen, const char *text, int room);
/* The same, broken into lines that begin at `indent`. */
void pen_wrapped(struct pen *pen, const char *text, int indent);
/* Text composed by `compose` into a stream, then wrapped in the same way. */
void pen_composed(struct pen *pen, int indent, void (*compose)(FILE *out, const void *object), const void *object);
/* Values as small bars, at most `room` of them; each is the largest of its share. */
void pen_spark(struct pen *pen, const int64_t *values, size_t count, int room);

int pen_width_of(const char *text);

#endif
