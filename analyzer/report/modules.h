/*
 * What a resolver must know of a trace before it is asked: the modules, and the names of generated code, which lie in
 * TRACE.perf-map, or still where the program wrote them.
 */
#ifndef REPORT_MODULES_H
#define REPORT_MODULES_H

#include "../input/trace.h"
#include "../symbols/symbols.h"

/* 0 or -ENOMEM. */
int modules_add(struct symbols *symbols, uint32_t space, const struct trace *trace, const char *path);

#endif
