/* Component by component, from the front. See source_path.h. */
#include "source_path.h"

#include <stdbool.h>
#include <string.h>

static bool is(const char *component, size_t length, const char *name) {
    return length == strlen(name) && memcmp(component, name, length) == 0;
}

/* Where the last component before `end` begins. */
static char *last_component(char *begin, char *end) {
    while (end > begin && end[-1] != '/') end--;
    return end;
}

void source_path_tidy(char *path) {
    char *begin = path + (*path == '/'), *out = begin;
    for (const char *next = begin; *next;) {
        const char *component = next;
        size_t length = strcspn(component, "/");
        next = component + length + (component[length] == '/');
        if (length == 0 || is(component, length, ".")) continue;
        char *last = last_component(begin, out);
        bool up = is(component, length, ".."), known = out > begin && !is(last, (size_t)(out - last), "..");
        if (up && known) out = last > begin ? last - 1 : last;
        if (up && (known || begin > path)) continue; /* the root's parent is the root */
        if (out > begin) *out++ = '/';
        memmove(out, component, length);
        out += length;
    }
    *out = '\0';
}
