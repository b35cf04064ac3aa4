/*
 * What renderers share in showing who holds the resident pages. Pure.
 */
#ifndef RENDER_RESIDENCY_H
#define RENDER_RESIDENCY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../report/report.h"

/* The parts of a look, in the order in which they are shown; they add up to resident_bytes. */
size_t residency_parts(void);
const char *residency_part_name(size_t part);
int64_t residency_part(const struct report_look *look, size_t part);

/* Whose the pages are; NULL: there is one process only. */
const struct report_process *residency_process(const struct report *report);

/* The process's sites that held pages, most first, in memory of the caller's; NULL: out of memory. */
const struct report_site **residency_sites(const struct report *report, size_t *count);

/* Fragmentation, untouched memory and malloc_trim in a sentence, of a struct report_residency with looks. */
void residency_compose_facts(FILE *out, const void *residency);

#endif
