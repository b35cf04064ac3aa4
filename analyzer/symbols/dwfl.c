/*
 * The gate to elfutils: finds an object file and its debug information, and names what lies at an offset.
 *
 * A file is used only if its build-id is the recorded one. Debug information comes from the file itself, from
 * .gnu_debuglink and build-id trees, from dwz's shared files, and from debuginfod servers where DEBUGINFOD_URLS names
 * some; without any, from the symbol tables. Functions are tabled once for each compilation unit that is asked for,
 * since walking its tree anew for each address costs milliseconds in large units.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "demangle.h"
#include "flow.h"
#include "image.h"
#include "ranges.h"
#include "symbol_table.h"

enum { TREE_DEPTH_MAX = 200, INLINE_DEPTH_MAX = 128, ORIGIN_STEPS_MAX = 16, NO_SCOPE = -1 };
#define NO_TYPE ((GElf_Word)-1) /* of a section */

struct scope { /* a namespace, class or function that names are qualified with */
    const char *name;
    int parent; /* index, or NO_SCOPE */
};

struct place { /* where a function's description lies, and in which scope */
    Dwarf_Off offset;
    int scope;
};

struct unit {
    Dwarf_Die die;
    bool walked;
    struct ranges ranges; /* values: indices of functions */
    Dwarf_Die *functions;
    size_t function_count, function_room;
    struct scope *scopes;
    size_t scope_count, scope_room;
    struct place *places; /* by offset */
    size_t place_count, place_room;
};

struct image {
    Dwfl *dwfl;
    Dwfl_Module *module;
    Dwfl_Callbacks callbacks;
    char *debug_path;
    const struct image_search *places;
    bool tables_found;
    Dwarf *dwarf; /* NULL: none */
    Dwarf_Addr dwarf_bias;
    bool has_symtab; /* more than the dynamic symbols: sizeless symbols may be believed */
    bool symbols_read;
    struct symbol_table symbols; /* read when first needed */
    bool units_read;
    struct unit *units; /* read when first needed */
    size_t unit_count, unit_room;
    struct ranges unit_ranges; /* values: indices of units */
};

/* Makes room for one more; false: out of memory. */
static bool grow(void *items, size_t count, size_t *room, size_t size) {
    void **array = items;
    if (count < *room) return true;
    size_t wanted = *room ? *room * 2 : 32;
    void *larger = reallocarray(*array, wanted, size);
    if (!larger) return false;
    *array = larger;
    *room = wanted;
    return true;
}

/* Servers. elfutils waits 90 s for each file, and asks again; a report must not hang on a server that is down. */

enum { SERVER_SECONDS = 10 };

static int64_t seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void limit_servers(void) {
    char text[16];
    if (!getenv("DEBUGINFOD_URLS")) return;
    snprintf(text, sizeof text, "%d", SERVER_SECONDS);
    setenv("DEBUGINFOD_TIMEOUT", text, 0);
    setenv("DEBUGINFOD_RETRY_LIMIT", "0", 0);
}

/* One that gave nothing in its time is not asked again. */
static void judge_servers(int64_t started, bool found) {
    const char *limit = getenv("DEBUGINFOD_TIMEOUT");
    if (!found && getenv("DEBUGINFOD_URLS") && seconds() - started >= (limit ? atoi(limit) : SERVER_SECONDS))
        unsetenv("DEBUGINFOD_URLS");
}

/* Finding the file. */

static bool same_build(int fd, const struct image_source *source, enum image_state *state) {
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    const void *id = NULL;
    ssize_t length = elf && elf_kind(elf) == ELF_K_ELF ? dwelf_elf_gnu_build_id(elf, &id) : -2;
    bool same = length > -2 && (source->build_id_length == 0 || (length == (ssize_t)source->build_id_length &&
                                                                 memcmp(id, source->build_id, (size_t)length) == 0));
    *state = same ? IMAGE_OPEN : length == -2 ? IMAGE_BAD : IMAGE_MISMATCH;
    elf_end(elf);
    return same;
}

/* A descriptor of a regular file that is the recorded build, or -1 with the reason. */
static int open_same(const char *path, const struct image_source *source, enum image_state *state) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat facts;
    *state = IMAGE_MISSING;
    if (fd < 0) return -1;
    if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && same_build(fd, source, state)) return fd;
    close(fd);
    return -1;
}

struct candidate { /* the search so far */
    const struct image_source *source;
    const struct image_search *places;
    char *path; /* of fd */
    int fd;
    enum image_state worst; /* what was wrong with the files that were met */
};

/* Takes ownership of path, which may be NULL. */
static void try_path(struct candidate *candidate, char *path) {
    enum image_state state = IMAGE_MISSING;
    if (path && candidate->fd < 0) candidate->fd = open_same(path, candidate->source, &state);
    if (candidate->fd >= 0 && !candidate->path) {
        candidate->path = path;
        return;
    }
    if (state == IMAGE_MISMATCH || (state == IMAGE_BAD && candidate->worst == IMAGE_MISSING)) candidate->worst = state;
    free(path);
}

static char *joined(const char *a, const char *b, const char *c) {
    char *text;
    return asprintf(&text, "%s%s%s", a, b, c) < 0 ? NULL : text;
}

/* DIR/.build-id/ab/cdef..., of the file itself or with .debug of its debug information. */
static void try_build_id(struct candidate *candidate, const char *root, const char *folder) {
    const struct image_source *source = candidate->source;
    char name[sizeof "/.build-id//" + 2 * BUILD_ID_MAX] = "/.build-id/";
    size_t at = strlen(name);
    if (source->build_id_length < 2 || source->build_id_length > BUILD_ID_MAX) return;
    for (size_t i = 0; i < source->build_id_length; i++)
        at += (size_t)snprintf(name + at, sizeof name - at, i == 1 ? "/%02x" : "%02x", source->build_id[i]);
    char *base = joined(root, folder, name);
    if (base) try_path(candidate, joined(base, "", ""));
    if (base) try_path(candidate, joined(base, ".debug", ""));
    free(base);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void search(struct candidate *candidate, const char *path) {
    const struct image_search *places = candidate->places;
    const char *root = places->sysroot ? places->sysroot : "";
    if (*path == '/' && *root) try_path(candidate, joined(root, path, ""));
    if (*path == '/' && (!*root || candidate->source->build_id_length)) try_path(candidate, joined(path, "", ""));
    for (size_t i = 0; i < places->debug_path_count; i++) {
        try_path(candidate, joined(places->debug_paths[i], *path == '/' ? "" : "/", path));
        try_path(candidate, joined(places->debug_paths[i], "/", base_name(path)));
        try_build_id(candidate, places->debug_paths[i], "");
    }
    if (*root) try_build_id(candidate, root, "/usr/lib/debug");
    try_build_id(candidate, "/usr/lib/debug", "");
}

/* The recorded path, without what /proc/self/maps says of a file that was replaced while it ran. */
static char *plain_path(const char *path) {
    static const char deleted[] = " (deleted)";
    size_t length = strlen(path), extra = sizeof deleted - 1;
    return strndup(path, length > extra && strcmp(path + length - extra, deleted) == 0 ? length - extra : length);
}

static bool is_vdso(const char *path) {
    return strstr(path, "vdso") && (*path == '[' || strncmp(path, "linux-", 6) == 0);
}

/* The kernel's own object has no file: a copy of ours serves where it is the same build. */
static void try_vdso(struct candidate *candidate) {
    enum { VDSO_PAGES_MAX = 4 };
    const char *mapped = (const char *)getauxval(AT_SYSINFO_EHDR);
    int fd = mapped ? memfd_create("vdso", MFD_CLOEXEC) : -1;
    if (fd < 0) return;
    for (size_t page = 0; page < VDSO_PAGES_MAX; page++)
        if (write(fd, mapped + page * 4096, 4096) < 0) break; /* EFAULT behind its end */
    if (same_build(fd, candidate->source, &candidate->worst)) {
        candidate->fd = fd;
        candidate->path = strdup("[vdso]");
    } else {
        close(fd);
    }
}

/* elfutils looks in the folder of the file (the empty entry), in .debug below it and in the usual tree by itself. */
static char *debug_search_path(const struct image_search *places) {
    char *path = NULL;
    size_t length;
    FILE *out = open_memstream(&path, &length);
    if (!out) return NULL;
    for (size_t i = 0; i < places->debug_path_count; i++) fprintf(out, "%s:", places->debug_paths[i]);
    if (places->sysroot) fprintf(out, "%s/usr/lib/debug:", places->sysroot);
    fputs(":.debug:/usr/lib/debug", out);
    return fclose(out) == 0 ? path : NULL;
}

/* A file from a server has no name but that of its descriptor. */
static char *path_of(int fd) {
    char link[40], target[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    return length > 0 ? strndup(target, (size_t)length) : NULL;
}

/* By build-id alone, also from debuginfod where the user has set it up. */
static void try_servers(struct candidate *candidate) {
    const struct image_source *source = candidate->source;
    const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                      .find_debuginfo = dwfl_standard_find_debuginfo};
    if (!getenv("DEBUGINFOD_URLS") || source->build_id_length == 0 || candidate->fd >= 0) return;
    Dwfl *dwfl = dwfl_begin(&callbacks);
    Dwfl_Module *module = dwfl ? dwfl_report_module(dwfl, base_name(source->path), 0x1000, 0x2000) : NULL;
    char *found = NULL;
    Elf *elf = NULL;
    if (module && dwfl_module_report_build_id(module, source->build_id, source->build_id_length, 0) == 0) {
        int fd = dwfl_build_id_find_elf(module, NULL, base_name(source->path), 0x1000, &found, &elf);
        if (fd >= 0 && (!found || !*found)) {
            free(found);
            found = path_of(fd);
        }
        elf_end(elf);
        if (fd >= 0) close(fd);
    }
    dwfl_end(dwfl);
    try_path(candidate, found);
}

/* `candidate` holds what to look for and where. */
static enum image_state find_file(struct candidate *candidate) {
    char *path = plain_path(candidate->source->path);
    if (!path) return IMAGE_BAD;
    if (is_vdso(path)) try_vdso(candidate);
    else search(candidate, path);
    free(path);
    try_servers(candidate);
    return candidate->fd >= 0 ? IMAGE_OPEN : candidate->worst;
}

/* Opening it. */

static bool has_section(Elf *elf, GElf_Word type, const char *name) {
    size_t names;
    if (!elf || elf_getshdrstrndx(elf, &names)) return false;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header)) continue;
        const char *found = elf_strptr(elf, names, header.sh_name);
        if (header.sh_type == type || (found && strcmp(found, name) == 0)) return true;
    }
    return false;
}

static void add_unit(struct image *image, Dwarf_Die *skeleton, Dwarf_Die *die) {
    if (!grow(&image->units, image->unit_count, &image->unit_room, sizeof *image->units)) return;
    size_t index = image->unit_count++;
    image->units[index] = (struct unit){.die = *die};
    Dwarf_Addr base, low, high;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(skeleton, at, &base, &low, &high)) > 0;)
        if (low && ranges_add(&image->unit_ranges, low, high, index)) return; /* 0: a section that the linker dropped */
}

static void read_units(struct image *image) {
    Dwarf_CU *cu = NULL;
    Dwarf_Die die, split;
    uint8_t type;
    image->units_read = true;
    while (image->dwarf && dwarf_get_units(image->dwarf, cu, &cu, NULL, &type, &die, &split) == 0) {
        if (type == DW_UT_skeleton) add_unit(image, &die, dwarf_tag(&split) == DW_TAG_invalid ? &die : &split);
        else if (type == DW_UT_compile) add_unit(image, &die, &die);
    }
}

static bool has_debug_info(Elf *elf) {
    return has_section(elf, NO_TYPE, ".debug_info") || has_section(elf, NO_TYPE, ".zdebug_info");
}

/* Build-id and name of the file of common parts, of which dwz left a link in this one; 0 or less: none. */
static ssize_t elf_shared(Elf *elf, const char **name, const void **id) {
    size_t names;
    if (elf_getshdrstrndx(elf, &names)) return -1;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        const char *found = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (!found || strcmp(found, ".gnu_debugaltlink") != 0) continue;
        Elf_Data *data = elf_rawdata(section, NULL);
        const char *end = data && data->d_buf ? memchr(data->d_buf, 0, data->d_size) : NULL;
        if (!end) return -1;
        *name = data->d_buf;
        *id = end + 1;
        return (ssize_t)data->d_size - (end + 1 - *name);
    }
    return -1;
}

/* Called before the first answer. Decompresses debug sections. */
static void find_tables(struct image *image) {
    GElf_Addr bias;
    if (image->tables_found) return;
    image->tables_found = true;
    int64_t started = seconds();
    image->dwarf = dwfl_module_getdwarf(image->module, &image->dwarf_bias);
    image->has_symtab = has_section(dwfl_module_getelf(image->module, &bias), SHT_SYMTAB, ".gnu_debugdata");
    if (image->dwarf) image->has_symtab |= has_section(dwarf_getelf(image->dwarf), SHT_SYMTAB, ".symtab");
    judge_servers(started, image->dwarf);
}

/* Takes ownership of fd. */
static bool report(struct image *image, const char *path, int fd) {
    image->callbacks = (Dwfl_Callbacks){.find_elf = dwfl_build_id_find_elf,
                                        .find_debuginfo = dwfl_standard_find_debuginfo,
                                        .debuginfo_path = &image->debug_path};
    image->dwfl = dwfl_begin(&image->callbacks);
    if (image->dwfl) image->module = dwfl_report_elf(image->dwfl, base_name(path), path, fd, 0, true);
    if (!image->module) close(fd);
    return image->module && dwfl_report_end(image->dwfl, NULL, NULL) == 0;
}

/* Takes ownership of fd. NULL: out of memory, or elfutils does not want the file. */
static struct image *image_of(const char *path, int fd, const struct image_search *places) {
    struct image *image = calloc(1, sizeof *image);
    if (!image || !path) {
        close(fd);
        free(image);
        return NULL;
    }
    image->places = places;
    image->debug_path = debug_search_path(places);
    if (report(image, path, fd)) return image;
    image_close(image);
    return NULL;
}

/* A descriptor of the separate debug file that elfutils would choose for the one at `path`, or -1. */
static int find_debug_of(Dwfl *dwfl, const char *path, char **found) {
    Dwfl_Module *module = dwfl_report_elf(dwfl, base_name(path), path, -1, 0, true);
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
static int find_debug_file(struct image *image, const char *path, char **found) {
    int64_t started = seconds();
    Dwfl *dwfl = path ? dwfl_begin(&image->callbacks) : NULL;
    int fd = dwfl ? find_debug_of(dwfl, path, found) : -1;
    dwfl_end(dwfl);
    judge_servers(started, fd >= 0);
    return fd;
}

enum image_state image_open(struct image **out, const struct image_source *source, const struct image_search *places) {
    struct candidate candidate = {.source = source, .places = places, .fd = -1, .worst = IMAGE_MISSING};
    int64_t started = seconds();
    limit_servers();
    elf_version(EV_CURRENT);
    enum image_state state = find_file(&candidate);
    struct image *image = state == IMAGE_OPEN ? image_of(candidate.path, candidate.fd, places) : NULL;
    free(candidate.path);
    judge_servers(started, image);
    if (!image) return state == IMAGE_OPEN ? IMAGE_BAD : state;
    *out = image;
    return IMAGE_OPEN;
}

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

/* The file that dwz put common parts into; `from` names the one that says so. */
static uint64_t mix_shared(uint64_t hash, const struct image *image, Elf *elf, const char *from) {
    const char *name = NULL;
    const void *id;
    ssize_t length = elf ? elf_shared(elf, &name, &id) : -1;
    if (length <= 0) return hash;
    struct image_source source = {.path = name, .build_id = id, .build_id_length = (size_t)length};
    struct candidate candidate = {.source = &source, .places = image->places, .fd = -1};
    const char *slash = strrchr(from, '/');
    char *beside = strndup(from, slash ? (size_t)(slash - from) + 1 : 0);
    if (*name != '/' && beside) try_path(&candidate, joined(beside, name, ""));
    search(&candidate, name);
    hash = mix_file(mix_text(hash, name), candidate.path);
    if (candidate.fd >= 0) close(candidate.fd);
    free(candidate.path);
    free(beside);
    return hash;
}

static uint64_t mix_debug_file(uint64_t hash, struct image *image, const char *main_file) {
    char *path = NULL;
    int fd = find_debug_file(image, main_file, &path);
    struct stat facts;
    hash = mix_text(hash, path);
    if (fd < 0) return hash;
    if (fstat(fd, &facts) == 0) hash = mix_facts(hash, &facts);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    hash = mix_shared(hash, image, elf, path ? path : "");
    elf_end(elf);
    close(fd);
    free(path);
    return hash;
}

/* Nothing that is opened here is decompressed or walked: that takes longer than all the rest of a small report. */
uint64_t image_fingerprint(struct image *image) {
    const char *path = NULL;
    GElf_Addr bias;
    Elf *elf = dwfl_module_getelf(image->module, &bias);
    dwfl_module_info(image->module, NULL, NULL, NULL, NULL, NULL, &path, NULL);
    uint64_t hash = mix_text(mix_text(1, TIDEMARK_VERSION), dwfl_version(NULL));
    hash = mix_shared(mix_file(mix_text(hash, image->debug_path), path), image, elf, path ? path : "");
    if (!has_debug_info(elf)) hash = mix_debug_file(hash, image, path);
    return hash | 1;
}

static void release_unit(struct unit *unit) {
    ranges_release(&unit->ranges);
    free(unit->functions);
    free(unit->scopes);
    free(unit->places);
}

void image_close(struct image *image) {
    for (size_t i = 0; i < image->unit_count; i++) release_unit(&image->units[i]);
    free(image->units);
    ranges_release(&image->unit_ranges);
    symbol_table_release(&image->symbols);
    dwfl_end(image->dwfl);
    free(image->debug_path);
    free(image);
}

/* Tables of a unit. */

static bool names_a_scope(int tag) {
    static const int tags[] = {DW_TAG_namespace, DW_TAG_class_type, DW_TAG_structure_type, DW_TAG_union_type,
                               DW_TAG_subprogram};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (tag == tags[i]) return true;
    return false;
}

static int add_scope(struct unit *unit, Dwarf_Die *die, int parent) {
    const char *name = dwarf_diename(die);
    if (!name && dwarf_tag(die) == DW_TAG_namespace) name = "(anonymous namespace)";
    if (!name || !grow(&unit->scopes, unit->scope_count, &unit->scope_room, sizeof *unit->scopes)) return parent;
    unit->scopes[unit->scope_count] = (struct scope){name, parent};
    return (int)unit->scope_count++;
}

static void add_function(struct unit *unit, Dwarf_Die *die, int scope) {
    if (grow(&unit->places, unit->place_count, &unit->place_room, sizeof *unit->places))
        unit->places[unit->place_count++] = (struct place){dwarf_dieoffset(die), scope};
    Dwarf_Addr base, low, high;
    size_t index = unit->function_count;
    bool added = false;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &low, &high)) > 0;)
        added |= low && ranges_add(&unit->ranges, low, high, index) == 0;
    if (added && grow(&unit->functions, index, &unit->function_room, sizeof *unit->functions))
        unit->functions[unit->function_count++] = *die;
}

/* Methods of local classes are described inside functions, so the whole tree is walked. */
static void walk(struct unit *unit, Dwarf_Die *parent, int scope, int depth) {
    Dwarf_Die die;
    if (depth > TREE_DEPTH_MAX || dwarf_child(parent, &die) != 0) return;
    do {
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_subprogram) add_function(unit, &die, scope);
        if (dwarf_haschildren(&die))
            walk(unit, &die, names_a_scope(tag) ? add_scope(unit, &die, scope) : scope, depth + 1);
    } while (dwarf_siblingof(&die, &die) == 0);
}

static struct unit *unit_at(struct image *image, Dwarf_Addr address) {
    address -= image->dwarf_bias;
    if (!image->units_read) read_units(image);
    size_t index = ranges_find(&image->unit_ranges, address);
    if (index >= image->unit_count) return NULL;
    struct unit *unit = &image->units[index];
    if (!unit->walked) walk(unit, &unit->die, NO_SCOPE, 0);
    unit->walked = true;
    return unit;
}

/* Names. */

static int compare_places(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The description that carries the name: behind copies and inlined instances, in the class that declares it. */
static Dwarf_Die declaration(const Dwarf_Die *die) {
    Dwarf_Die at = *die;
    for (int i = 0; i < ORIGIN_STEPS_MAX; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die next;
        if (!dwarf_attr(&at, DW_AT_abstract_origin, &attribute) && !dwarf_attr(&at, DW_AT_specification, &attribute))
            break;
        if (!dwarf_formref_die(&attribute, &next)) break;
        at = next;
    }
    return at;
}

static int scope_of(const struct unit *unit, const Dwarf_Die *die) {
    Dwarf_Die named = declaration(die), ours, theirs;
    Dwarf_Die copy = unit->die;
    if (!dwarf_diecu(&named, &theirs, NULL, NULL) || !dwarf_diecu(&copy, &ours, NULL, NULL) || ours.addr != theirs.addr)
        return NO_SCOPE;
    const struct place key = {.offset = dwarf_dieoffset(&named)};
    const struct place *found =
        unit->place_count ? bsearch(&key, unit->places, unit->place_count, sizeof key, compare_places) : NULL;
    return found ? found->scope : NO_SCOPE;
}

/* a::b::name; malloc'd. */
static char *qualified(const struct unit *unit, int scope, const char *name) {
    char *text = strdup(name);
    for (int depth = 0; text && scope != NO_SCOPE && depth < TREE_DEPTH_MAX;
         scope = unit->scopes[scope].parent, depth++) {
        char *longer = joined(unit->scopes[scope].name, "::", text);
        free(text);
        text = longer;
    }
    return text;
}

/* malloc'd, or NULL. */
static char *function_name(const struct unit *unit, Dwarf_Die *die) {
    Dwarf_Attribute attribute;
    const char *linkage = NULL, *plain = dwarf_diename(die);
    if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
        dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
        linkage = dwarf_formstring(&attribute);
    if (linkage) return demangle(linkage);
    char *name = plain ? qualified(unit, scope_of(unit, die), plain) : NULL;
    if (name) shorten_name(name);
    return name;
}

/* Symbol tables. */

static bool names_code(const GElf_Sym *symbol) {
    int type = GELF_ST_TYPE(symbol->st_info);
    return symbol->st_shndx != SHN_UNDEF && type != STT_SECTION && type != STT_FILE && type != STT_TLS;
}

static uint32_t strength_of(const GElf_Sym *symbol) {
    switch (GELF_ST_BIND(symbol->st_info)) {
    case STB_GLOBAL: return 3;
    case STB_WEAK: return 2;
    case STB_LOCAL: return 1;
    default: return 0;
    }
}

static void read_symbols(struct image *image) {
    int count = dwfl_module_getsymtab(image->module), locals = dwfl_module_getsymtab_first_global(image->module);
    image->symbols_read = true;
    for (int i = 1; i < count; i++) {
        GElf_Sym symbol;
        GElf_Addr address;
        GElf_Word section;
        const char *name = dwfl_module_getsym_info(image->module, i, &symbol, &address, &section, NULL, NULL);
        if (!name || !*name || !names_code(&symbol)) continue;
        const struct symbol found = {address, symbol.st_size, name, section, strength_of(&symbol)};
        if (symbol_table_add(&image->symbols, &found, i < locals)) return;
    }
}

static uint32_t section_of(struct image *image, Dwarf_Addr address) {
    Elf_Scn *section = dwfl_module_address_section(image->module, &address, &(Dwarf_Addr){0});
    return section ? (uint32_t)elf_ndxscn(section) : SHN_UNDEF;
}

/* The symbol that the address lies in, or a label before it in the same section; NULL: none. */
static const struct symbol *symbol_at(struct image *image, Dwarf_Addr address) {
    if (!image->symbols_read) read_symbols(image);
    const struct symbol *found = symbol_table_find(&image->symbols, address);
    return found && !found->size && found->section != section_of(image, address) ? NULL : found;
}

/* malloc'd, or NULL. Labels name nothing in a stripped file, where most of them are missing. */
static char *symbol_name(struct image *image, Dwarf_Addr address) {
    const struct symbol *symbol = symbol_at(image, address);
    return symbol && (symbol->size || image->has_symtab) ? demangle(symbol->name) : NULL;
}

/* Frames. */

static int64_t number(Dwarf_Die *die, unsigned name) {
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    return dwarf_attr(die, name, &attribute) && dwarf_formudata(&attribute, &value) == 0 ? (int64_t)value : 0;
}

static const char *call_file(Dwarf_Die *die) {
    Dwarf_Die unit;
    Dwarf_Files *files;
    size_t count, index = (size_t)number(die, DW_AT_call_file);
    if (!dwarf_diecu(die, &unit, NULL, NULL) || dwarf_getsrcfiles(&unit, &files, &count) || index >= count) return NULL;
    return dwarf_filesrc(files, index, NULL, NULL);
}

/* The inlined functions at the address, outermost first. */
static size_t inlined_at(Dwarf_Die *function, Dwarf_Addr address, Dwarf_Die *chain) {
    size_t count = 0;
    Dwarf_Die die;
    bool more = dwarf_child(function, &die) == 0;
    while (more) {
        int tag = dwarf_tag(&die);
        bool block = tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block;
        if (block && dwarf_haspc(&die, address) == 1) {
            if (tag == DW_TAG_inlined_subroutine && count < INLINE_DEPTH_MAX) chain[count++] = die;
            more = dwarf_child(&die, &die) == 0;
        } else {
            more = dwarf_siblingof(&die, &die) == 0;
        }
    }
    return count;
}

static void emit_line(struct unit *unit, Dwarf_Addr address, struct image_frame *frame) {
    int line = 0;
    Dwarf_Line *found = dwarf_getsrc_die(&unit->die, address);
    if (!found) return;
    frame->file = dwarf_linesrc(found, NULL, NULL);
    if (dwarf_lineno(found, &line) == 0) frame->line = line;
}

/* Each inlined function is at the line so far, and was called at the one that its description gives. */
static void emit_chain(const struct unit *unit, Dwarf_Die *chain, size_t count, struct image_frame *frame,
                       image_emit *emit, void *context) {
    while (count-- > 0) {
        char *name = function_name(unit, &chain[count]);
        frame->function = name;
        frame->inlined = true;
        emit(context, frame);
        free(name);
        *frame = (struct image_frame){.file = call_file(&chain[count]), .line = number(&chain[count], DW_AT_call_line)};
    }
}

static void lookup_unit(struct image *image, struct unit *unit, Dwarf_Addr address, image_emit *emit, void *context) {
    Dwarf_Die chain[INLINE_DEPTH_MAX];
    Dwarf_Addr inside = address - image->dwarf_bias;
    size_t index = ranges_find(&unit->ranges, inside);
    Dwarf_Die *function = index < unit->function_count ? &unit->functions[index] : NULL;
    struct image_frame frame = {0};
    emit_line(unit, inside, &frame);
    if (function) emit_chain(unit, chain, inlined_at(function, inside, chain), &frame, emit, context);
    char *name = function ? function_name(unit, function) : NULL;
    if (!name) name = symbol_name(image, address);
    frame.function = name;
    frame.inlined = false;
    emit(context, &frame);
    free(name);
}

void image_lookup(struct image *image, uint64_t offset, image_emit *emit, void *context) {
    find_tables(image);
    struct unit *unit = unit_at(image, offset);
    if (unit) {
        lookup_unit(image, unit, offset, emit, context);
        return;
    }
    char *name = symbol_name(image, offset);
    if (name) emit(context, &(struct image_frame){.function = name});
    free(name);
}

/* Code. */

/* The symbol whose bytes hold the address; NULL: none. */
static const struct symbol *symbol_around(struct image *image, Dwarf_Addr address) {
    const struct symbol *symbol = symbol_at(image, address);
    return symbol && symbol->size ? symbol : NULL;
}

static bool in_linkage_table(struct image *image, Dwarf_Addr address) {
    Elf_Scn *section = dwfl_module_address_section(image->module, &address, &(Dwarf_Addr){0});
    GElf_Shdr header;
    size_t names;
    Elf *elf = dwfl_module_getelf(image->module, &(GElf_Addr){0});
    if (!section || !elf || !gelf_getshdr(section, &header) || elf_getshdrstrndx(elf, &names)) return false;
    const char *name = elf_strptr(elf, names, header.sh_name);
    return name && strncmp(name, ".plt", 4) == 0;
}

/* What has no name may be one. */
static bool is_cold_part(void *context, uint64_t address) {
    const struct symbol *symbol = symbol_around(context, address);
    return symbol ? strstr(symbol->name, ".cold") != NULL : !in_linkage_table(context, address);
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
    const struct symbol *symbol = symbol_around(image, from - 1);
    if (!symbol || to <= symbol->start || to > symbol->start + symbol->size) return true;
    const struct code code = {.bytes = loaded_bytes(elf, symbol->start - bias, symbol->size),
                              .size = symbol->size,
                              .base = symbol->start,
                              .is_part = is_cold_part,
                              .context = image};
    return flow_may_reach(&code, from, to);
}
