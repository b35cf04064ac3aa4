/*
 * Memory that is released as a whole: everything that a report points to. Running out of it ends the program, which an
 * analyzer may do; so no caller checks.
 */
#ifndef REPORT_ARENA_H
#define REPORT_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);

/* Zeroed. */
void *arena_take(struct arena *arena, size_t count, size_t size);
/* NULL stays NULL. */
char *arena_text(struct arena *arena, const char *text);
/*
 * The same, with what no output may hold escaped (text/printable.h): of paths and what else is not a name of the trace.
 */
char *arena_printable(struct arena *arena, const char *text);
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `list` with room for one more element at its end; lists that grow so must grow so from their first element on. */
void *arena_grown(struct arena *arena, void *list, size_t count, size_t size);
/* A new zeroed element at the end of the list. */
#define ARENA_ADD(arena, list, count)                                                                                  \
    ((list) = arena_grown((arena), (list), (count), sizeof *(list)), &(list)[(count)++])

#endif
