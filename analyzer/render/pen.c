/*
 * The pen. Columns are counted in characters; those of double width are rare in what is shown here and not treated.
 */
#include "pen.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../stream.h"
#include "../text/printable.h"
#include "../text/utf8.h"

enum { WIDTH_LEAST = 80, WIDTH_MOST = 160, WIDTH_DEFAULT = 100 };

struct pen pen_for(FILE *out, const struct text_style *style) {
    struct pen pen = {.out = out, .style = *style};
    if (pen.style.width < WIDTH_LEAST) pen.style.width = WIDTH_LEAST;
    return pen;
}

/* Of a terminal that is not there: what COLUMNS says of the one that will show this, as of a CI server's log. */
static int width_told(void) {
    const char *columns = getenv("COLUMNS");
    long width = columns ? strtol(columns, NULL, 10) : 0;
    return width <= 0 ? WIDTH_DEFAULT : width < WIDTH_MOST ? (int)width : WIDTH_MOST;
}

struct text_style text_style_for(int fd, bool color) {
    struct winsize window = {0};
    struct text_style style = {.color = color, .width = width_told()};
    locale_t locale = newlocale(LC_CTYPE_MASK, "", NULL);
    style.unicode = locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    if (locale) freelocale(locale);
    if (ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_col) style.width = window.ws_col;
    if (style.width > WIDTH_MOST) style.width = WIDTH_MOST;
    return style;
}

static void draw_tint(struct pen *pen, enum tint tint) {
    static const char *const codes[] = {
        [TINT_NONE] = "0",    [TINT_TITLE] = "1",   [TINT_FAINT] = "2",
        [TINT_GOOD] = "1;32", [TINT_WARN] = "1;33", [TINT_BAD] = "1;31",
        [TINT_LIVE] = "34",   [TINT_RSS] = "90",    [TINT_LIVE_ON_RSS] = "34;100",
        [TINT_NAME] = "1;36",
    };
    if (!pen->style.color || pen->drawn == tint) return;
    if (pen->drawn != TINT_NONE) fputs("\033[0m", pen->out);
    if (tint != TINT_NONE) fprintf(pen->out, "\033[%sm", codes[tint]);
    pen->drawn = tint;
}

int pen_done(struct pen *pen) {
    draw_tint(pen, TINT_NONE);
    return stream_end(pen->out);
}

void pen_tint(struct pen *pen, enum tint tint) { pen->tint = tint; }

/* What ASCII has instead of the few characters that this program draws with. */
static char ascii_for(uint32_t character) {
    static const struct {
        uint32_t character;
        char instead;
    } table[] = {
        {0x2500, '-'}, {0x2502, '|'}, {0x251c, '|'}, {0x2514, '`'}, {0x2524, '|'}, {0x253c, '+'},
        {0x2534, '+'}, {0x2574, '-'}, {0x2581, '_'}, {0x2582, '.'}, {0x2583, '-'}, {0x2584, '-'},
        {0x2585, '='}, {0x2586, '='}, {0x2587, '#'}, {0x2588, '#'}, {0x2591, '.'}, {0x258f, '|'},
        {0x2595, '|'}, {0x2026, '~'}, {0xb7, '-'},   {0xd7, 'x'},   {0x2192, '>'}, {0x2190, '<'},
        {0xb5, 'u'},   {0x2013, '-'}, {0x2022, '*'}, {0x25b2, '^'}, {0x250a, ':'},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].character == character) return table[i].instead;
    return '?';
}

static void put_character(struct pen *pen, const char *text, size_t length, uint32_t character) {
    if (character != ' ' || pen->drawn == TINT_LIVE_ON_RSS) draw_tint(pen, pen->tint);
    if (character < 0x80 || pen->style.unicode) fwrite(text, 1, length, pen->out);
    else fputc(ascii_for(character), pen->out);
    pen->inked |= character != ' ';
    pen->column++;
}

static void put_some(struct pen *pen, const char *text, size_t size) {
    size_t length;
    for (const char *end = text + size; text < end; text += length) {
        uint32_t character = utf8_next(text, &length);
        if (!length) return;
        put_character(pen, text, length, character);
    }
}

void pen_put(struct pen *pen, const char *text) { put_some(pen, text, strlen(text)); }

void pen_print(struct pen *pen, const char *format, ...) {
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    pen_put(pen, text);
    free(text);
}

void pen_tinted(struct pen *pen, enum tint tint, const char *text) {
    pen_tint(pen, tint);
    pen_put(pen, text);
    pen_tint(pen, TINT_NONE);
}

int pen_width_of(const char *text) {
    int width = 0;
    size_t length;
    while (utf8_next(text, &length), length) {
        text += length;
        width++;
    }
    return width;
}

void pen_right(struct pen *pen, int width, const char *text) {
    for (int space = width - pen_width_of(text); space > 0; space--) pen_put(pen, " ");
    pen_put(pen, text);
}

void pen_to(struct pen *pen, int column) {
    if (pen->column > column) pen_put(pen, " ");
    while (pen->column < column) pen_put(pen, " ");
}

void pen_line(struct pen *pen) {
    draw_tint(pen, TINT_NONE);
    fputc('\n', pen->out);
    pen->column = 0;
    pen->inked = false;
}

/* Names. */

/* malloc'd. Names come escaped; what the user gave, as a path or a phase of his own, does not. */
static char *escaped(const char *text) { return printable(text, strlen(text), PRINTABLE_CODE); }

/* Length of an operator's name, whose < and > are no brackets; else 0. */
static size_t operator_length(const char *text) {
    static const char word[] = "operator";
    size_t length = sizeof word - 1;
    return strncmp(text, word, length) == 0 ? length + strspn(text + length, "<>=-!+*/&|^%,()[]") : 0;
}

/* Malloc'd: map<string, vector<int>>::insert becomes map<…>::insert. */
static char *folded(const char *text) {
    char *result = NULL;
    size_t size, skip;
    int depth = 0;
    FILE *out = open_memstream(&result, &size);
    if (!out) return NULL;
    for (; *text; text += skip) {
        skip = operator_length(text);
        if (!skip && *text == '<' && depth++ == 0) fputs("<…", out);
        if (!skip && *text == '>' && depth > 0) depth--;
        bool bracket = !skip && *text == '<';
        if (!skip) skip = 1;
        if (depth == 0 && !bracket) fwrite(text, 1, skip, out);
    }
    return fclose(out) == 0 ? result : NULL;
}

/* The start and the end of a text that is too wide. */
static void put_cut(struct pen *pen, const char *text, int width, int room) {
    int head = (room - 1) * 2 / 5, skip = width - (room - 1);
    size_t length;
    for (int at = 0; *text; at++, text += length) {
        uint32_t character = utf8_next(text, &length);
        if (at == head) pen_put(pen, "…");
        if (at < head || at >= head + skip) put_character(pen, text, length, character);
    }
}

/* Escaped, and folded where that is needed to fit. */
static char *fit_for(const char *text, int room) {
    char *clean = escaped(text);
    if (!clean || pen_width_of(clean) <= room || !strchr(clean, '<')) return clean;
    char *shorter = folded(clean);
    free(clean);
    return shorter;
}

/* CI systems obey lines that begin with two colons, wherever they come from. */
static const char *past_command(struct pen *pen, const char *name) {
    if (pen->inked || strncmp(name, "::", 2) != 0) return name;
    pen_put(pen, "\\x3a");
    return name + 1;
}

void pen_name(struct pen *pen, const char *text, int room) {
    char *clean = fit_for(text, room);
    const char *name = clean ? past_command(pen, clean) : "";
    int width = pen_width_of(name);
    if (name != clean) room -= (int)sizeof "\\x3a" - 1;
    if (width > room && room > 2) put_cut(pen, name, width, room);
    else pen_put(pen, name);
    free(clean);
}

void pen_wrapped(struct pen *pen, const char *text, int indent) {
    char *clean = escaped(text);
    bool first = true;
    for (char *word = clean, *next; word && *word; word = next, first = false) {
        next = strchrnul(word, ' ');
        if (*next) *next++ = 0;
        if (!first && pen->column + 1 + pen_width_of(word) > pen->style.width) {
            pen_line(pen);
            first = true;
        }
        pen_to(pen, pen->column < indent ? indent : pen->column + !first);
        pen_put(pen, past_command(pen, word));
    }
    free(clean);
}

void pen_composed(struct pen *pen, int indent, void (*compose)(FILE *out, const void *object), const void *object) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return;
    compose(out, object);
    if (fclose(out) == 0) pen_wrapped(pen, text, indent);
    free(text);
}

static int64_t largest(const int64_t *values, size_t count) {
    int64_t most = 0;
    for (size_t i = 0; i < count; i++)
        if (values[i] > most) most = values[i];
    return most;
}

void pen_spark(struct pen *pen, const int64_t *values, size_t count, int room) {
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    size_t cells = count < (size_t)room ? count : (size_t)room;
    int64_t most = largest(values, count);
    for (size_t i = 0; i < cells; i++) {
        size_t from = i * count / cells, to = (i + 1) * count / cells;
        int64_t value = largest(values + from, to - from);
        size_t bar = most > 0 ? (size_t)((double)value / (double)most * 7 + 0.5) : 0;
        pen_put(pen, value > 0 ? bars[bar] : "·");
    }
}
