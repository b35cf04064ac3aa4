/*
 * A number for the files behind an object's names. See fingerprint.h.
 *
 * Of each file count its name, inode, size and time of the last change, and the versions of those who read it.
 */
#include "fingerprint.h"

#include <elfutils/libdwelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "object_file.h"
#include "sections.h"
#include "servers.h"

static uint64_t mix(uint64_t hash, uint64_t value) { return (hash ^ value) * 0x9e3779b97f4a7c15u ^ hash >> 29; }

static uint64_t mix_text(uint64_t hash, const char *text) {
    for (; text && *text; text++) hash = mix(hash, (uint8_t)*text);
    return mix(hash, 0);
}

static uint64_t mix_facts(uint64_t hash, const struct stat *facts) {
    hash = mix(mix(hash, facts->st_ino), (uint64_t)facts->st_size);
    return mix(mix(hash, (uint64_t)facts->st_mtim.tv_sec), (uint64_t)facts->st_mtim.tv_nsec);
}

/* A file by its name and by what changes with its content. */
static uint64_t mix_file(uint64_t hash, const char *path) {
    struct stat facts;
    hash = mix_text(hash, path);
    return path && stat(path, &facts) == 0 ? mix_facts(hash, &facts) : hash;
}

/*
 * The file of common parts, of which dwz left a name and a build-id in this one; false: none. Both live as long as
 * `elf`.
 */
static bool shared_file(Elf *elf, struct image_source *source) {
    Elf_Scn *section = section_find(elf, SECTION_ANY_TYPE, ".gnu_debugaltlink");
    Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
    const char *name = data ? data->d_buf : NULL;
    const char *end = name ? memchr(name, 0, data->d_size) : NULL;
    if (!end) return false;
    *source = (struct image_source){
        .path = name, .build_id = (const uint8_t *)end + 1, .build_id_length = data->d_size - (size_t)(end + 1 - name)};
    return source->build_id_length > 0;
}

/* `from` names the file that says so. */
static uint64_t mix_shared(uint64_t hash, Elf *elf, const char *from, const struct image_search *places) {
    struct image_source source;
    struct object_file found = {.fd = -1};
    if (!shared_file(elf, &source)) return hash;
    object_file_beside(&found, from, &source, places);
    hash = mix_file(mix_text(hash, source.path), found.path);
    object_file_release(&found);
    return hash;
}

/* A descriptor of the separate debug file that elfutils would choose for the one at `path`, or -1. */
static int find_debug_of(Dwfl *dwfl, const char *path, char **found) {
    Dwfl_Module *module = dwfl_report_elf(dwfl, basename(path), path, -1, 0, true);
    void **context = NULL;
    Dwarf_Addr start = 0;
    GElf_Addr bias;
    GElf_Word sum = 0;
    if (!module || dwfl_report_end(dwfl, NULL, NULL)) return -1;
    Elf *elf = dwfl_module_getelf(module, &bias);
    const char *name = dwfl_module_info(module, &context, &start, NULL, NULL, NULL, NULL, NULL);
    const char *link = elf ? dwelf_elf_gnu_debuglink(elf, &sum) : NULL;
    return dwfl_standard_find_debuginfo(module, context, name, start, path, link, sum, found);
}

/* Asks a library state of its own, because a search leaves traces in one. */
static struct object_file find_debug_file(const char *path, const Dwfl_Callbacks *callbacks) {
    struct object_file found = {.fd = -1};
    int64_t started = servers_clock();
    Dwfl *dwfl = path ? dwfl_begin(callbacks) : NULL;
    if (dwfl) found.fd = find_debug_of(dwfl, path, &found.path);
    dwfl_end(dwfl);
    servers_judge(started, found.fd >= 0);
    return found;
}

static uint64_t mix_debug_file(uint64_t hash, const char *path, const Dwfl_Callbacks *callbacks,
                               const struct image_search *places) {
    struct object_file found = find_debug_file(path, callbacks);
    struct stat facts;
    hash = mix_text(hash, found.path);
    if (found.fd >= 0) {
        if (fstat(found.fd, &facts) == 0) hash = mix_facts(hash, &facts);
        Elf *elf = elf_begin(found.fd, ELF_C_READ_MMAP, NULL);
        hash = mix_shared(hash, elf, found.path ? found.path : "", places);
        elf_end(elf);
    }
    object_file_release(&found);
    return hash;
}

static bool has_debug_info(Elf *elf) {
    return section_find(elf, SECTION_ANY_TYPE, ".debug_info") || section_find(elf, SECTION_ANY_TYPE, ".zdebug_info");
}

uint64_t fingerprint(Dwfl_Module *module, const Dwfl_Callbacks *callbacks, const struct image_search *places) {
    const char *path = NULL;
    GElf_Addr bias;
    Elf *elf = dwfl_module_getelf(module, &bias);
    dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, &path, NULL);
    uint64_t hash = mix_text(mix_text(1, TIDEMARK_VERSION), dwfl_version(NULL));
    hash = mix_file(mix_text(hash, *callbacks->debuginfo_path), path);
    hash = mix_shared(hash, elf, path ? path : "", places);
    if (!has_debug_info(elf)) hash = mix_debug_file(hash, path, callbacks, places);
    return hash | 1;
}
