/*
 * Finds the file of a recorded object. See object_file.h.
 */
#include "object_file.h"

#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "servers.h"

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

struct search { /* so far */
    const struct image_source *source;
    const struct image_search *places;
    struct object_file found;
    enum image_state worst; /* what was wrong with the files that were met */
};

/* Takes ownership of path, which may be NULL. */
static void try_path(struct search *search, char *path) {
    enum image_state state = IMAGE_MISSING;
    if (path && search->found.fd < 0) search->found.fd = open_same(path, search->source, &state);
    if (search->found.fd >= 0 && !search->found.path) {
        search->found.path = path;
        return;
    }
    if (state == IMAGE_MISMATCH || (state == IMAGE_BAD && search->worst == IMAGE_MISSING)) search->worst = state;
    free(path);
}

static char *joined(const char *a, const char *b, const char *c) {
    char *text;
    return asprintf(&text, "%s%s%s", a, b, c) < 0 ? NULL : text;
}

/* DIR/.build-id/ab/cdef..., of the file itself or with .debug of its debug information. */
static void try_build_id(struct search *search, const char *root, const char *folder) {
    const struct image_source *source = search->source;
    char name[sizeof "/.build-id//" + 2 * BUILD_ID_MAX] = "/.build-id/";
    size_t at = strlen(name);
    if (source->build_id_length < 2 || source->build_id_length > BUILD_ID_MAX) return;
    for (size_t i = 0; i < source->build_id_length; i++)
        at += (size_t)snprintf(name + at, sizeof name - at, i == 1 ? "/%02x" : "%02x", source->build_id[i]);
    char *base = joined(root, folder, name);
    if (base) try_path(search, joined(base, "", ""));
    if (base) try_path(search, joined(base, ".debug", ""));
    free(base);
}

static void try_places(struct search *search, const char *path) {
    const struct image_search *places = search->places;
    const char *root = places->sysroot ? places->sysroot : "";
    if (*path == '/' && *root) try_path(search, joined(root, path, ""));
    if (*path == '/' && (!*root || search->source->build_id_length)) try_path(search, joined(path, "", ""));
    for (size_t i = 0; i < places->debug_path_count; i++) {
        try_path(search, joined(places->debug_paths[i], *path == '/' ? "" : "/", path));
        try_path(search, joined(places->debug_paths[i], "/", basename(path)));
        try_build_id(search, places->debug_paths[i], "");
    }
    if (*root) try_build_id(search, root, "/usr/lib/debug");
    try_build_id(search, "/usr/lib/debug", "");
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
static void try_vdso(struct search *search) {
    enum { VDSO_PAGES_MAX = 4 };
    const char *mapped = (const char *)getauxval(AT_SYSINFO_EHDR);
    int fd = mapped ? memfd_create("vdso", MFD_CLOEXEC) : -1;
    if (fd < 0) return;
    for (size_t page = 0; page < VDSO_PAGES_MAX; page++)
        if (write(fd, mapped + page * 4096, 4096) < 0) break; /* EFAULT behind its end */
    if (same_build(fd, search->source, &search->worst)) {
        search->found.fd = fd;
        search->found.path = strdup("[vdso]");
    } else {
        close(fd);
    }
}

/* A file from a server has no name but that of its descriptor. */
static char *path_of(int fd) {
    char link[40], target[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    return length > 0 ? strndup(target, (size_t)length) : NULL;
}

/* By build-id alone, also from debuginfod where the user has set it up. */
static void try_servers(struct search *search) {
    const struct image_source *source = search->source;
    const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                      .find_debuginfo = dwfl_standard_find_debuginfo};
    if (!servers_known() || source->build_id_length == 0 || search->found.fd >= 0) return;
    Dwfl *dwfl = dwfl_begin(&callbacks);
    Dwfl_Module *module = dwfl ? dwfl_report_module(dwfl, basename(source->path), 0x1000, 0x2000) : NULL;
    char *found = NULL;
    Elf *elf = NULL;
    if (module && dwfl_module_report_build_id(module, source->build_id, source->build_id_length, 0) == 0) {
        int fd = dwfl_build_id_find_elf(module, NULL, basename(source->path), 0x1000, &found, &elf);
        if (fd >= 0 && (!found || !*found)) {
            free(found);
            found = path_of(fd);
        }
        elf_end(elf);
        if (fd >= 0) close(fd);
    }
    dwfl_end(dwfl);
    try_path(search, found);
}

/* Gives away what was found. */
static enum image_state result_of(const struct search *search, struct object_file *out) {
    if (search->found.fd < 0) return search->worst;
    *out = search->found;
    return IMAGE_OPEN;
}

enum image_state object_file_find(struct object_file *out, const struct image_source *source,
                                  const struct image_search *places) {
    struct search search = {.source = source, .places = places, .found = {.fd = -1}, .worst = IMAGE_MISSING};
    char *path = plain_path(source->path);
    if (!path) return IMAGE_BAD;
    if (is_vdso(path)) try_vdso(&search);
    else try_places(&search, path);
    free(path);
    try_servers(&search);
    return result_of(&search, out);
}

enum image_state object_file_beside(struct object_file *out, const char *from, const struct image_source *source,
                                    const struct image_search *places) {
    struct search search = {.source = source, .places = places, .found = {.fd = -1}, .worst = IMAGE_MISSING};
    char *folder = strndup(from, (size_t)(basename(from) - from));
    if (*source->path != '/' && folder) try_path(&search, joined(folder, source->path, ""));
    free(folder);
    try_places(&search, source->path);
    return result_of(&search, out);
}

void object_file_release(struct object_file *file) {
    if (file->fd >= 0) close(file->fd);
    free(file->path);
    *file = (struct object_file){.fd = -1};
}
