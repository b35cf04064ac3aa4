/*
 * Sections of an ELF file by name. Nothing is kept and nothing changed; damaged tables are as if the section were not
 * there.
 */
#ifndef SYMBOLS_SECTIONS_H
#define SYMBOLS_SECTIONS_H

#include <gelf.h>

#define SECTION_ANY_TYPE ((GElf_Word)-1) /* no section is of it: by name alone */

/* The first section of this type or of this name; NULL: none. `elf` may be NULL. */
Elf_Scn *section_find(Elf *elf, GElf_Word type, const char *name);
/* As long as the file is open. NULL: it can't be read. */
const char *section_name(Elf *elf, Elf_Scn *section);

#endif
