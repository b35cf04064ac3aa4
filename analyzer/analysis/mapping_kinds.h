/*
 * What the mappings of a look are: heaps, stacks, code, files, the recorder's own. Told by their names, rights and
 * neighbours, by the live blocks in them, and by what they were at looks before.
 */
#ifndef ANALYSIS_MAPPING_KINDS_H
#define ANALYSIS_MAPPING_KINDS_H

#include "look_areas.h"
#include "residency.h"

struct known_heaps {  /* zeroed: none */
    uint64_t *starts; /* of mappings that once were heaps, ascending */
    size_t count;
};

/* Marks as heaps the mappings of the allocator that no live block shows to be such. */
void mapping_kinds_find_heaps(struct look_areas *areas, const struct known_heaps *known);
/* Remembers the heaps of this look. Where memory is short, fewer are known. */
void known_heaps_add(struct known_heaps *known, const struct look_areas *areas);
void known_heaps_release(struct known_heaps *known);

/* What the pages of the mapping are, but for those with live blocks. Heaps must have been found. */
enum residency_part mapping_part(const struct look_areas *areas, size_t map);
/* The file whose mapping this is, or whose uninitialised data stand in it right behind; NULL: none. */
const char *mapping_file(const struct look *look, size_t map);

#endif
