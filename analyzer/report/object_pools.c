/*
 * The interpreters that are known (object_pools.h). Their pools are told by module and size: CPython's obmalloc.c takes
 * arenas of 256 KiB up to 3.9 and of 1 MiB since, PHP's zend_alloc.c chunks of 2 MiB.
 */
#include "object_pools.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <string.h>

#include "builder.h"

struct interpreter {
    const char *program, *library; /* patterns of the module's name */
    int64_t pool_bytes[2];
    const char *setting;
};

static const struct interpreter interpreters[] = {
    {"python[23]*", "libpython*", {1 << 18, 1 << 20}, "PYTHONMALLOC=malloc"},
    {"php*", "libphp*", {1 << 21}, "USE_ZEND_ALLOC=0"},
};

static bool is_of(const struct interpreter *interpreter, const char *module) {
    return module && (fnmatch(interpreter->program, module, 0) == 0 || fnmatch(interpreter->library, module, 0) == 0);
}

static bool holds_pools(const struct interpreter *interpreter, const struct report_site *site) {
    for (size_t i = 0; i < sizeof interpreter->pool_bytes / sizeof *interpreter->pool_bytes; i++) {
        int64_t size = interpreter->pool_bytes[i];
        if (size && site->allocations && site->allocated_bytes == site->allocations * size)
            return is_of(interpreter, site->module);
    }
    return false;
}

static void add_doubt(struct builder *builder, const struct interpreter *interpreter) {
    const struct report *report = builder->report;
    for (size_t i = 0; i < report->site_count; i++) {
        if (!holds_pools(interpreter, &report->sites[i])) continue;
        builder_doubt(
            builder,
            arena_format(builder->arena,
                         "%s packs small objects into pools, and which of them stay is not seen: with %s in its "
                         "environment each is recorded",
                         report->sites[i].module, interpreter->setting));
        return;
    }
}

void builder_add_pool_doubts(struct builder *builder) {
    for (size_t i = 0; i < sizeof interpreters / sizeof *interpreters; i++) add_doubt(builder, &interpreters[i]);
}
