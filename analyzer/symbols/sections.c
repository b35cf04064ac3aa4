/*
 * Sections of an ELF file by name. See sections.h.
 */
#include "sections.h"

#include <string.h>

const char *section_name(Elf *elf, Elf_Scn *section) {
    GElf_Shdr header;
    size_t names;
    if (elf_getshdrstrndx(elf, &names) || !gelf_getshdr(section, &header)) return NULL;
    return elf_strptr(elf, names, header.sh_name);
}

Elf_Scn *section_find(Elf *elf, GElf_Word type, const char *name) {
    GElf_Shdr header;
    if (!elf) return NULL;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        const char *found = section_name(elf, section);
        if (found && strcmp(found, name) == 0) return section;
        if (gelf_getshdr(section, &header) && header.sh_type == type) return section;
    }
    return NULL;
}
