/* A look at an ELF header before exec (target_elf.h). Anything that can't be read is left to the kernel to judge. */
#include "target_elf.h"

#include "config.h"
#include "sys.h"
#include "text.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAM_HEADERS = 32 };

static const char *judge_interpreter(int fd, const Elf64_Phdr *segment) {
    char path[256];
    size_t wanted = segment->p_filesz < sizeof path - 1 ? segment->p_filesz : sizeof path - 1;
    long length = sys_pread(fd, path, wanted, segment->p_offset);
    path[length > 0 ? length : 0] = 0;
    return strstr(path, "ld-musl") ? "linked with musl" : NULL;
}

static const char *judge_segments(int fd, const Elf64_Ehdr *elf) {
    Elf64_Phdr segments[PROGRAM_HEADERS];
    size_t count = elf->e_phnum < PROGRAM_HEADERS ? elf->e_phnum : PROGRAM_HEADERS;
    if (elf->e_phentsize != sizeof *segments) return NULL;
    if (sys_pread(fd, segments, count * sizeof *segments, elf->e_phoff) != (long)(count * sizeof *segments))
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (segments[i].p_type == PT_INTERP) return judge_interpreter(fd, &segments[i]);
    return "statically linked";
}

static const char *judge(int fd) {
    Elf64_Ehdr elf;
    if (sys_pread(fd, &elf, sizeof elf, 0) != (long)sizeof elf || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0)
        return NULL;
    if (elf.e_ident[EI_CLASS] != ELFCLASS64) return "32-bit";
    if (elf.e_machine != EM_X86_64) return "built for another machine";
    return judge_segments(fd, &elf);
}

const char *target_elf_refusal(const char *path) {
    int fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) return NULL;
    const char *refusal = judge(fd);
    sys_close(fd);
    return refusal;
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
