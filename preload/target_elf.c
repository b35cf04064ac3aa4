/* A look at an ELF header before exec (target_elf.h). Anything that can't be read is left to the kernel to judge. */
#include "target_elf.h"

#include "config.h"
#include "sys.h"
#include "text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAM_HEADERS = 32, DYNAMIC_ENTRIES = 64, SCRIPT_LINE = 256, SCRIPTS = 5 /* the kernel's limits */ };

static const char *judge_interpreter(int fd, const Elf64_Phdr *segment) {
    char path[256];
    size_t wanted = segment->p_filesz < sizeof path - 1 ? segment->p_filesz : sizeof path - 1;
    long length = sys_pread(fd, path, wanted, segment->p_offset);
    path[length > 0 ? length : 0] = 0;
    return strstr(path, "ld-musl") ? "linked with musl" : NULL;
}

/* Where a file has what lies at an address of its image; -1: nowhere. */
static int64_t offset_of(const Elf64_Phdr *segments, size_t count, uint64_t address) {
    for (size_t i = 0; i < count; i++) {
        const Elf64_Phdr *segment = &segments[i];
        if (segment->p_type == PT_LOAD && address - segment->p_vaddr < segment->p_filesz)
            return (int64_t)(segment->p_offset + (address - segment->p_vaddr));
    }
    return -1;
}

/* A sanitizer's runtime replaces malloc itself, and that of gcc refuses to run behind another library. */
static bool is_sanitizer(const char *library) {
    static const char *const runtimes[] = {"libasan.so", "libtsan.so", "liblsan.so", "libhwasan.so"};
    for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes; i++)
        if (strncmp(library, runtimes[i], strlen(runtimes[i])) == 0) return true;
    return false;
}

static const char *judge_needed(int fd, const Elf64_Phdr *segments, size_t count, const Elf64_Phdr *dynamic) {
    Elf64_Dyn entries[DYNAMIC_ENTRIES];
    char library[16];
    size_t wanted = dynamic->p_filesz < sizeof entries ? dynamic->p_filesz : sizeof entries;
    long length = sys_pread(fd, entries, wanted, dynamic->p_offset);
    size_t found = length > 0 ? (size_t)length / sizeof *entries : 0;
    int64_t names = -1;
    for (size_t i = 0; i < found; i++)
        if (entries[i].d_tag == DT_STRTAB) names = offset_of(segments, count, entries[i].d_un.d_ptr);
    for (size_t i = 0; i < found && names >= 0 && entries[i].d_tag != DT_NULL; i++) {
        if (entries[i].d_tag != DT_NEEDED) continue;
        length = sys_pread(fd, library, sizeof library - 1, (uint64_t)names + entries[i].d_un.d_val);
        library[length > 0 ? length : 0] = 0;
        if (is_sanitizer(library)) return "built with a sanitizer";
    }
    return NULL;
}

static const char *judge_segments(int fd, const Elf64_Ehdr *elf) {
    Elf64_Phdr segments[PROGRAM_HEADERS];
    size_t count = elf->e_phnum < PROGRAM_HEADERS ? elf->e_phnum : PROGRAM_HEADERS;
    if (elf->e_phentsize != sizeof *segments) return NULL;
    if (sys_pread(fd, segments, count * sizeof *segments, elf->e_phoff) != (long)(count * sizeof *segments))
        return NULL;
    const char *refusal = "statically linked";
    for (size_t i = 0; i < count; i++)
        if (segments[i].p_type == PT_INTERP) refusal = judge_interpreter(fd, &segments[i]);
    for (size_t i = 0; i < count && !refusal; i++)
        if (segments[i].p_type == PT_DYNAMIC) refusal = judge_needed(fd, segments, count, &segments[i]);
    return refusal;
}

static const char *judge(int fd) {
    Elf64_Ehdr elf;
    if (sys_pread(fd, &elf, sizeof elf, 0) != (long)sizeof elf || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0)
        return NULL;
    if (elf.e_ident[EI_CLASS] != ELFCLASS64) return "32-bit";
    if (elf.e_machine != EM_X86_64) return "built for another machine";
    return judge_segments(fd, &elf);
}

/* The program that a script's first line names; NULL: it is no script. */
static const char *read_interpreter(int fd, char line[SCRIPT_LINE]) {
    long length = sys_pread(fd, line, SCRIPT_LINE - 1, 0);
    line[length > 0 ? length : 0] = 0;
    if (strncmp(line, "#!", 2) != 0) return NULL;
    char *program = line + 2 + strspn(line + 2, " \t");
    program[strcspn(program, " \t\n")] = 0;
    return program;
}

/* It is the interpreter of a script that loads us, or of a script that interprets it. */
const char *target_elf_refusal(const char *path) {
    const char *refusal = NULL;
    char line[SCRIPT_LINE];
    for (unsigned depth = 0; path && depth < SCRIPTS; depth++) {
        int fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
        if (fd < 0) return NULL;
        path = read_interpreter(fd, line);
        if (!path) refusal = judge(fd);
        sys_close(fd);
    }
    return refusal;
}

bool target_elf_is_missing(const char *library) {
    int fd = sys_open(library, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd >= 0) sys_close(fd);
    return fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES;
}

static bool exists(const char *path) {
    int fd = sys_open(path, O_PATH | O_CLOEXEC, 0);
    if (fd >= 0) sys_close(fd);
    return fd >= 0;
}

const char *target_elf_find(const char *file, char *out, size_t capacity) {
    const char *folders = strchr(file, '/') ? NULL : getenv("PATH");
    while (folders && *folders) {
        size_t length = strcspn(folders, ":");
        struct text text = text_into(out, capacity);
        text_put_bytes(&text, folders, length);
        text_put(&text, length ? "/" : "");
        text_put(&text, file);
        if (!text.full && exists(out)) return out;
        folders += length + (folders[length] == ':');
    }
    return file;
}
