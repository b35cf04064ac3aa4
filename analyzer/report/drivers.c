/*
 * The drivers that are known, by name. Nothing but names: a server that starts a program for each request does the
 * same.
 */
#include "drivers.h"

#include <string.h>

#include "../text/file_name.h"

struct driver {
    const char *name;
    const char *interpreter; /* NULL: a program of its own. Its name may go on with a version: perl5.36 */
};

static const struct driver drivers[] = {
    {"ctest", NULL}, {"cmake", NULL}, {"make", NULL},    {"gmake", NULL},
    {"ninja", NULL}, {"cargo", NULL}, {"prove", "perl"}, {"meson", "python"},
};

/* The script is the first argument that is no option. */
static const char *script_of(const char *const *args, size_t count) {
    size_t i = 1;
    while (i < count && args[i][0] == '-') i++;
    return i < count ? file_name(args[i]) : "";
}

bool is_driver(const char *exe, const char *const *args, size_t count) {
    if (!exe) return false;
    const char *program = file_name(exe);
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        const struct driver *driver = &drivers[i];
        bool here = driver->interpreter ? strncmp(program, driver->interpreter, strlen(driver->interpreter)) == 0
                                        : strcmp(program, driver->name) == 0;
        if (here && (!driver->interpreter || strcmp(script_of(args, count), driver->name) == 0)) return true;
    }
    return false;
}
