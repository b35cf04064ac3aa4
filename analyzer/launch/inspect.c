/*
 * Inspection of a program file (inspect.h): PATH search, #! lines, ELF headers, and the dynamic string table, in which
 * both the names of needed sanitizer runtimes and their entry points linked statically are found.
 * Every offset is checked by pread's result; a file that contradicts itself counts as fine and is left to the kernel.
 */
#include "inspect.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define INTERPRETER_DEPTH 4
#define STRINGS_MAX (16u << 20)

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#endif

static const struct obstacle_row rows[] = {
    [OBSTACLE_NONE] = {NULL, true},
    [OBSTACLE_NOT_FOUND] = {"does not exist", true},
    [OBSTACLE_NOT_EXECUTABLE] = {"is not executable", true},
    [OBSTACLE_STATIC] = {"is statically linked, so nothing can be preloaded", true},
    [OBSTACLE_SET_ID] = {"is set-uid or set-gid, and the loader ignores LD_PRELOAD there", true},
    [OBSTACLE_CAPABILITIES] = {"has file capabilities, and the loader ignores LD_PRELOAD there", true},
    [OBSTACLE_CLASS] = {"is a 32-bit program, and the recorder is 64-bit", false},
    [OBSTACLE_MACHINE] = {"is for another kind of processor", false},
    [OBSTACLE_MUSL] = {"uses musl, and the recorder needs glibc", false},
    [OBSTACLE_SANITIZER] = {"is built with a sanitizer, which replaces malloc itself", false},
};

const struct obstacle_row *obstacle_row(enum obstacle obstacle) { return &rows[obstacle]; }

/* ELF. */

static bool read_at(int fd, void *out, size_t length, uint64_t offset) {
    return pread(fd, out, length, (off_t)offset) == (ssize_t)length;
}

static bool read_segment(int fd, const Elf64_Ehdr *header, unsigned index, Elf64_Phdr *out) {
    return index < header->e_phnum && read_at(fd, out, sizeof *out, header->e_phoff + (uint64_t)index * sizeof *out);
}

static bool find_segment(int fd, const Elf64_Ehdr *header, uint32_t type, Elf64_Phdr *out) {
    for (unsigned i = 0; read_segment(fd, header, i, out); i++)
        if (out->p_type == type) return true;
    return false;
}

/* File offset of a virtual address, 0 when no segment holds it. */
static uint64_t offset_of(int fd, const Elf64_Ehdr *header, uint64_t address) {
    Elf64_Phdr segment;
    for (unsigned i = 0; read_segment(fd, header, i, &segment); i++)
        if (segment.p_type == PT_LOAD && address - segment.p_vaddr < segment.p_filesz)
            return address - segment.p_vaddr + segment.p_offset;
    return 0;
}

/* The dynamic string table in memory of its own; NULL when there is none. */
static char *read_strings(int fd, const Elf64_Ehdr *header, size_t *length) {
    Elf64_Phdr dynamic;
    Elf64_Dyn entry = {0};
    uint64_t address = 0, size = 0;
    if (!find_segment(fd, header, PT_DYNAMIC, &dynamic)) return NULL;
    for (uint64_t at = 0; at + sizeof entry <= dynamic.p_filesz; at += sizeof entry) {
        if (!read_at(fd, &entry, sizeof entry, dynamic.p_offset + at) || entry.d_tag == DT_NULL) break;
        if (entry.d_tag == DT_STRTAB) address = entry.d_un.d_ptr;
        if (entry.d_tag == DT_STRSZ) size = entry.d_un.d_val;
    }
    uint64_t offset = offset_of(fd, header, address);
    char *strings = offset && size && size <= STRINGS_MAX ? malloc(size) : NULL;
    if (strings && !read_at(fd, strings, size, offset)) {
        free(strings);
        return NULL;
    }
    *length = size;
    return strings;
}

static bool has_sanitizer(int fd, const Elf64_Ehdr *header) {
    static const char *const signs[] = {"libasan.so",  "libtsan.so",  "liblsan.so",  "libhwasan.so",
                                        "__asan_init", "__tsan_init", "__msan_init", "__hwasan_init"};
    size_t length = 0;
    char *strings = read_strings(fd, header, &length);
    bool found = false;
    for (size_t i = 0; strings && i < sizeof signs / sizeof *signs; i++)
        found |= memmem(strings, length, signs[i], strlen(signs[i])) != NULL;
    free(strings);
    return found;
}

static bool uses_musl(int fd, const Elf64_Phdr *interpreter) {
    char path[PATH_MAX] = "";
    size_t length = interpreter->p_filesz < sizeof path - 1 ? interpreter->p_filesz : sizeof path - 1;
    return read_at(fd, path, length, interpreter->p_offset) && strstr(path, "ld-musl");
}

static enum obstacle inspect_elf(int fd) {
    Elf64_Ehdr header;
    Elf64_Phdr interpreter;
    if (!read_at(fd, &header, sizeof header, 0)) return OBSTACLE_NONE;
    if (header.e_ident[EI_CLASS] != ELFCLASS64) return OBSTACLE_CLASS;
    if (header.e_machine != OWN_MACHINE) return OBSTACLE_MACHINE;
    if (header.e_phentsize != sizeof(Elf64_Phdr)) return OBSTACLE_NONE;
    if (!find_segment(fd, &header, PT_INTERP, &interpreter)) return OBSTACLE_STATIC;
    if (uses_musl(fd, &interpreter)) return OBSTACLE_MUSL;
    return has_sanitizer(fd, &header) ? OBSTACLE_SANITIZER : OBSTACLE_NONE;
}

/* Files. */

/*
 * As the kernel decides it: a set-id bit that changes nothing, or on a nosuid mount, does not make the loader careful.
 */
static enum obstacle inspect_privilege(int fd) {
    struct stat status;
    struct statvfs mount;
    if (fstat(fd, &status) != 0 || fstatvfs(fd, &mount) != 0 || (mount.f_flag & ST_NOSUID)) return OBSTACLE_NONE;
    if ((status.st_mode & S_ISUID) && status.st_uid != getuid()) return OBSTACLE_SET_ID;
    if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) && status.st_gid != getgid()) return OBSTACLE_SET_ID;
    bool capable = getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
    return capable ? OBSTACLE_CAPABILITIES : OBSTACLE_NONE;
}

/* The path after #!, in `line` itself; /bin/sh for other text, which execvp hands to the shell. */
static const char *script_interpreter(char *line) {
    if (strncmp(line, "#!", 2) != 0) return "/bin/sh";
    char *path = line + 2 + strspn(line + 2, " \t");
    path[strcspn(path, " \t\r\n")] = 0;
    return *path ? path : "/bin/sh";
}

static enum obstacle inspect_file(const char *path, int depth);

static enum obstacle inspect_open(int fd, int depth) {
    char start[256] = "";
    ssize_t got = pread(fd, start, sizeof start - 1, 0);
    if (got < 4 || depth == 0) return OBSTACLE_NONE;
    if (memcmp(start, ELFMAG, SELFMAG) != 0) return inspect_file(script_interpreter(start), depth - 1);
    enum obstacle obstacle = inspect_privilege(fd);
    return obstacle ? obstacle : inspect_elf(fd);
}

static bool is_executable_file(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static enum obstacle inspect_file(const char *path, int depth) {
    if (access(path, F_OK) != 0) return errno == EACCES ? OBSTACLE_NOT_EXECUTABLE : OBSTACLE_NOT_FOUND;
    if (!is_executable_file(path)) return OBSTACLE_NOT_EXECUTABLE;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return OBSTACLE_NONE;
    enum obstacle obstacle = inspect_open(fd, depth);
    close(fd);
    return obstacle;
}

/* Calls inspect_file for PATH's candidates as execvp does: one that may not be executed does not end the search. */
static enum obstacle inspect_in_path(const char *name) {
    const char *directories = getenv("PATH");
    enum obstacle worst = OBSTACLE_NOT_FOUND;
    for (const char *at = directories ? directories : "/bin:/usr/bin"; at;
         at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
        char path[PATH_MAX];
        int length = (int)strcspn(at, ":");
        if (snprintf(path, sizeof path, "%.*s%s%s", length, at, length ? "/" : "", name) >= (int)sizeof path) continue;
        if (is_executable_file(path)) return inspect_file(path, INTERPRETER_DEPTH);
        if (access(path, F_OK) == 0) worst = OBSTACLE_NOT_EXECUTABLE;
    }
    return worst;
}

enum obstacle inspect_program(const char *program) {
    if (!*program) return OBSTACLE_NOT_FOUND;
    return strchr(program, '/') ? inspect_file(program, INTERPRETER_DEPTH) : inspect_in_path(program);
}
