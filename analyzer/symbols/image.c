/*
 * The gate to elfutils: opens an object file with its debug information, and names what lies at an offset.
 *
 * Debug information comes from the file itself, from .gnu_debuglink and build-id trees, from dwz's shared files, and
 * from debuginfod servers where DEBUGINFOD_URLS names some (debug_info.h says what is in it); without any, names come
 * from the symbol tables.
 */
#include "image.h"

#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "debug_info.h"
#include "demangle.h"
#include "fingerprint.h"
#include "flow.h"
#include "module_symbols.h"
#include "object_file.h"
#include "sections.h"
#include "servers.h"

struct image {
    Dwfl *dwfl;
    Dwfl_Module *module;
    Dwfl_Callbacks callbacks;
    char *debug_path;
    const struct image_search *places;
    bool tables_found;
    struct debug_info *debug_info; /* NULL: none */
    bool has_symtab;               /* more than the dynamic symbols: sizeless symbols may be believed */
    struct module_symbols symbols;
};

/* Opening. */

/* elfutils looks in the folder of the file (the empty entry), in .debug below it and in the usual tree by itself. */
static char *debug_search_path(const struct image_search *places) {
    char *path = NULL;
    size_t length;
    FILE *out = open_memstream(&path, &length);
    if (!out) return NULL;
    for (size_t i = 0; i < places->debug_path_count; i++) fprintf(out, "%s:", places->debug_paths[i]);
    if (places->sysroot) fprintf(out, "%s/usr/lib/debug:", places->sysroot);
    fputs(":.debug:/usr/lib/debug", out);
    if (fclose(out) == 0) return path;
    free(path);
    return NULL;
}

/* Takes ownership of the descriptor. */
static bool report(struct image *image, const char *path, int fd) {
    image->callbacks = (Dwfl_Callbacks){.find_elf = dwfl_build_id_find_elf,
                                        .find_debuginfo = dwfl_standard_find_debuginfo,
                                        .debuginfo_path = &image->debug_path};
    image->dwfl = dwfl_begin(&image->callbacks);
    if (image->dwfl) image->module = dwfl_report_elf(image->dwfl, basename(path), path, fd, 0, true);
    if (!image->module) close(fd);
    image->symbols.module = image->module;
    return image->module && dwfl_report_end(image->dwfl, NULL, NULL) == 0;
}

/* Takes ownership of what is in `file`. NULL: out of memory, or elfutils does not want the file. */
static struct image *image_of(struct object_file *file, const struct image_search *places) {
    struct image *image = file->path ? calloc(1, sizeof *image) : NULL;
    if (image) {
        image->places = places;
        image->debug_path = debug_search_path(places);
        bool reported = report(image, file->path, file->fd);
        file->fd = -1;
        if (!reported) {
            image_close(image);
            image = NULL;
        }
    }
    object_file_release(file);
    return image;
}

enum image_state image_open(struct image **out, const struct image_source *source, const struct image_search *places) {
    struct object_file file = {.fd = -1};
    int64_t started = servers_clock();
    servers_limit();
    elf_version(EV_CURRENT);
    enum image_state state = object_file_find(&file, source, places);
    struct image *image = state == IMAGE_OPEN ? image_of(&file, places) : NULL;
    servers_judge(started, image);
    if (!image) return state == IMAGE_OPEN ? IMAGE_BAD : state;
    *out = image;
    return IMAGE_OPEN;
}

void image_close(struct image *image) {
    debug_info_free(image->debug_info);
    module_symbols_release(&image->symbols);
    dwfl_end(image->dwfl);
    free(image->debug_path);
    free(image);
}

uint64_t image_fingerprint(struct image *image) { return fingerprint(image->module, &image->callbacks, image->places); }

/* Names. */

/* Called before the first answer. Decompresses debug sections. */
static void find_tables(struct image *image) {
    Dwarf_Addr bias;
    if (image->tables_found) return;
    image->tables_found = true;
    int64_t started = servers_clock();
    Dwarf *dwarf = dwfl_module_getdwarf(image->module, &bias);
    Elf *elf = dwfl_module_getelf(image->module, &(GElf_Addr){0});
    image->debug_info = dwarf ? debug_info_new(dwarf, bias) : NULL;
    image->has_symtab = section_find(elf, SHT_SYMTAB, ".gnu_debugdata") ||
                        (dwarf && section_find(dwarf_getelf(dwarf), SHT_SYMTAB, ".symtab"));
    servers_judge(started, dwarf);
}

/* malloc'd, or NULL. Labels name nothing in a stripped file, where most of them are missing. */
static char *symbol_name(struct image *image, Dwarf_Addr address) {
    const struct symbol *symbol = module_symbols_find(&image->symbols, address);
    return symbol && (symbol->size || image->has_symtab) ? demangle(symbol->name) : NULL;
}

struct lookup {
    struct image *image;
    Dwarf_Addr address;
    image_emit *emit;
    void *context;
};

/* A function that debug information does not name may have a symbol. */
static void emit_named(void *context, const struct image_frame *frame) {
    const struct lookup *lookup = context;
    struct image_frame named = *frame;
    char *name = frame->function || frame->inlined ? NULL : symbol_name(lookup->image, lookup->address);
    if (name) named.function = name;
    lookup->emit(lookup->context, &named);
    free(name);
}

void image_lookup(struct image *image, uint64_t offset, image_emit *emit, void *context) {
    struct lookup lookup = {image, offset, emit, context};
    find_tables(image);
    if (image->debug_info && debug_info_lookup(image->debug_info, offset, emit_named, &lookup)) return;
    char *name = symbol_name(image, offset);
    if (name) emit(context, &(struct image_frame){.function = name});
    free(name);
}

/* Code. */

static bool in_linkage_table(struct image *image, Dwarf_Addr address) {
    Elf_Scn *section = dwfl_module_address_section(image->module, &address, &(Dwarf_Addr){0});
    Elf *elf = dwfl_module_getelf(image->module, &(GElf_Addr){0});
    const char *name = section && elf ? section_name(elf, section) : NULL;
    return name && strncmp(name, ".plt", 4) == 0;
}

/* What has no name may be one. */
static bool is_cold_part(void *context, uint64_t address) {
    struct image *image = context;
    const struct symbol *symbol = module_symbols_around(&image->symbols, address);
    return symbol ? strstr(symbol->name, ".cold") != NULL : !in_linkage_table(image, address);
}

/* `size` bytes of the file that are loaded at `start`. NULL: not there, or unreadable. */
static const uint8_t *loaded_bytes(Elf *elf, GElf_Addr start, uint64_t size) {
    size_t count;
    GElf_Phdr segment;
    if (!elf || elf_getphdrnum(elf, &count)) return NULL;
    for (size_t i = 0; i < count; i++) {
        if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_LOAD || start < segment.p_vaddr) continue;
        uint64_t inside = start - segment.p_vaddr;
        if (inside >= segment.p_filesz || size > segment.p_filesz - inside) continue;
        Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)(segment.p_offset + inside), size, ELF_T_BYTE);
        return data && data->d_size == size ? data->d_buf : NULL;
    }
    return NULL;
}

bool image_may_flow(struct image *image, uint64_t from, uint64_t to) {
    GElf_Addr bias;
    GElf_Ehdr header;
    Elf *elf = dwfl_module_getelf(image->module, &bias);
    if (!elf || !gelf_getehdr(elf, &header) || header.e_machine != EM_X86_64) return true;
    const struct symbol *symbol = module_symbols_around(&image->symbols, from - 1);
    if (!symbol || to <= symbol->start || to > symbol->start + symbol->size) return true;
    const struct code code = {.bytes = loaded_bytes(elf, symbol->start - bias, symbol->size),
                              .size = symbol->size,
                              .base = symbol->start,
                              .is_part = is_cold_part,
                              .context = image};
    return flow_may_reach(&code, from, to);
}
