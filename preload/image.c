/*
 * ELF without a loader (image.h): System V gABI, chapters "Program Loading" and "Dynamic Linking", and the psABI's
 * relocations. One piece of anonymous memory; read-only segments are mapped over it, writable ones copied into it, so
 * that what no file holds is zero already.
 */
#include "image.h"

#include "machine_x86_64.h"
#include "sys.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

enum { HEADERS_BYTES = 4096, PAGE = 4096, SPAN_MOST = 64 << 20 };

struct image {
    int fd;
    uint8_t *base;
    size_t span;
    union {
        uint8_t bytes[HEADERS_BYTES];
        ElfW(Ehdr) elf;
    } head;
    const ElfW(Phdr) * headers;
    const ElfW(Sym) * symbols;
    const char *strings;
    const uint32_t *hashes;
    const ElfW(Rela) * relocations[2];
    size_t relocation_bytes[2];
    const uintptr_t *packed;
    size_t packed_bytes;
    const struct image_import *imports;
};

static uintptr_t page_down(uintptr_t at) { return at & ~(uintptr_t)(PAGE - 1); }
static uintptr_t page_up(uintptr_t at) { return page_down(at + PAGE - 1); }

static int read_headers(struct image *image) {
    const ElfW(Ehdr) *elf = &image->head.elf;
    long length = sys_pread(image->fd, image->head.bytes, sizeof image->head, 0);
    if (length < (long)sizeof *elf || memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0) return -ENOEXEC;
    if (elf->e_type != ET_DYN || elf->e_machine != MACHINE_ELF || elf->e_phentsize != sizeof(ElfW(Phdr)))
        return -ENOEXEC;
    if (elf->e_phoff % 8 || elf->e_phoff > (size_t)length ||
        elf->e_phnum > ((size_t)length - elf->e_phoff) / sizeof(ElfW(Phdr)))
        return -ENOEXEC;
    image->headers = (const ElfW(Phdr) *)(const void *)(image->head.bytes + elf->e_phoff);
    for (unsigned i = 0; i < elf->e_phnum; i++) {
        const ElfW(Phdr) *header = &image->headers[i];
        if (header->p_type != PT_LOAD) continue;
        if (header->p_vaddr > SPAN_MOST || header->p_memsz > SPAN_MOST || header->p_filesz > header->p_memsz)
            return -ENOEXEC;
        if (header->p_vaddr + header->p_memsz > image->span) image->span = header->p_vaddr + header->p_memsz;
    }
    return image->span ? 0 : -ENOEXEC;
}

static int map_segment(const struct image *image, const ElfW(Phdr) * header) {
    uint8_t *at = image->base + header->p_vaddr;
    if (header->p_flags & PF_W) {
        long length = sys_pread(image->fd, at, header->p_filesz, header->p_offset);
        return length == (long)header->p_filesz ? 0 : -ENOEXEC;
    }
    uintptr_t before = (uintptr_t)at % PAGE;
    if (before != header->p_offset % PAGE || header->p_memsz > header->p_filesz) return -ENOEXEC;
    int protection = PROT_READ | (header->p_flags & PF_X ? PROT_EXEC : 0);
    return sys_map_over(at - before, page_up(before + header->p_filesz), protection, image->fd,
                        header->p_offset - before);
}

static int map_segments(struct image *image) {
    image->base = sys_memory(page_up(image->span));
    if (!image->base) return -ENOMEM;
    int error = 0;
    for (unsigned i = 0; i < image->head.elf.e_phnum && !error; i++)
        if (image->headers[i].p_type == PT_LOAD) error = map_segment(image, &image->headers[i]);
    return error;
}

static int read_dynamic(struct image *image) {
    const ElfW(Dyn) *entry = NULL;
    for (unsigned i = 0; i < image->head.elf.e_phnum; i++)
        if (image->headers[i].p_type == PT_DYNAMIC) entry = (const void *)(image->base + image->headers[i].p_vaddr);
    for (; entry && entry->d_tag != DT_NULL; entry++) {
        const void *at = image->base + entry->d_un.d_ptr;
        switch (entry->d_tag) {
        case DT_SYMTAB: image->symbols = at; break;
        case DT_STRTAB: image->strings = at; break;
        case DT_GNU_HASH: image->hashes = at; break;
        case DT_RELA: image->relocations[0] = at; break;
        case DT_RELASZ: image->relocation_bytes[0] = entry->d_un.d_val; break;
        case DT_JMPREL: image->relocations[1] = at; break;
        case DT_PLTRELSZ: image->relocation_bytes[1] = entry->d_un.d_val; break;
        case DT_RELR: image->packed = at; break;
        case DT_RELRSZ: image->packed_bytes = entry->d_un.d_val; break;
        default: break;
        }
    }
    return image->symbols && image->strings && image->hashes ? 0 : -ENOEXEC;
}

static uintptr_t import(const struct image *image, const char *name) {
    const struct image_import *row = image->imports;
    while (row->name && strcmp(row->name, name) != 0) row++;
    return (uintptr_t)row->to;
}

static uintptr_t address_of(const struct image *image, const ElfW(Sym) * symbol) {
    if (symbol->st_shndx != SHN_UNDEF) return (uintptr_t)image->base + symbol->st_value;
    return import(image, image->strings + symbol->st_name);
}

static int relocate(const struct image *image, const ElfW(Rela) * relocation) {
    if (relocation->r_offset > image->span - sizeof(uintptr_t)) return -ENOEXEC;
    const ElfW(Sym) *symbol = &image->symbols[ELF64_R_SYM(relocation->r_info)];
    uintptr_t value, added = (uintptr_t)relocation->r_addend;
    switch (ELF64_R_TYPE(relocation->r_info)) {
    case MACHINE_RELOC_RELATIVE: value = (uintptr_t)image->base + added; break;
    case MACHINE_RELOC_ADDRESS: value = address_of(image, symbol) + added; break;
    case MACHINE_RELOC_DATA:
    case MACHINE_RELOC_CALL: value = address_of(image, symbol); break;
    case MACHINE_RELOC_TLS_MODULE:
    case MACHINE_RELOC_TLS_OFFSET: value = 0; break;
    default: return -ENOEXEC;
    }
    memcpy(image->base + relocation->r_offset, &value, sizeof value);
    return 0;
}

/* An even word is a place; an odd one has a bit for each of the places that follow the last. */
static void relocate_packed(const struct image *image) {
    uintptr_t *at = NULL;
    for (size_t i = 0; i < image->packed_bytes / sizeof *image->packed; i++) {
        uintptr_t word = image->packed[i];
        if (word % 2 == 0) {
            at = (uintptr_t *)(void *)(image->base + word);
            *at++ += (uintptr_t)image->base;
            continue;
        }
        if (!at) continue; /* nothing that it could follow */
        for (unsigned bit = 1; bit < 64; bit++)
            if (word >> bit & 1) at[bit - 1] += (uintptr_t)image->base;
        at += 63;
    }
}

static int relocate_all(const struct image *image) {
    int error = 0;
    relocate_packed(image);
    for (unsigned table = 0; table < 2; table++)
        for (size_t i = 0; i < image->relocation_bytes[table] / sizeof(ElfW(Rela)) && !error; i++)
            error = relocate(image, &image->relocations[table][i]);
    return error;
}

/* The hash of DT_GNU_HASH: Bernstein's. */
static uint32_t hash(const char *name) {
    uint32_t value = 5381;
    for (; *name; name++) value = value * 33 + (uint8_t)*name;
    return value;
}

/*
 * Behind four words of head: the filter, which is skipped, a word for each bucket, one for each symbol from `first` on.
 */
static const ElfW(Sym) * look_up(const struct image *image, const char *name) {
    uint32_t buckets = image->hashes[0], first = image->hashes[1], wanted = hash(name);
    const uint32_t *bucket = image->hashes + 4 + image->hashes[2] * (sizeof(uintptr_t) / sizeof(uint32_t));
    const uint32_t *chain = bucket + buckets;
    uint32_t index = buckets ? bucket[wanted % buckets] : 0;
    if (index < first) return NULL;
    for (;; index++) {
        const ElfW(Sym) *symbol = &image->symbols[index];
        if ((chain[index - first] | 1) == (wanted | 1) && strcmp(image->strings + symbol->st_name, name) == 0)
            return symbol;
        if (chain[index - first] & 1) return NULL;
    }
}

static int bind_exports(const struct image *image, const struct image_export *exports, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const ElfW(Sym) *symbol = look_up(image, exports[i].name);
        if (!symbol || symbol->st_shndx == SHN_UNDEF) return -ENOEXEC;
        uintptr_t address = address_of(image, symbol);
        memcpy(exports[i].to, &address, sizeof address);
    }
    return 0;
}

int image_load(const char *path, const struct image_import *imports, const struct image_export *exports, size_t count) {
    struct image image = {.fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0), .imports = imports};
    if (image.fd < 0) return image.fd;
    int error = read_headers(&image);
    if (!error) error = map_segments(&image);
    sys_close(image.fd);
    if (!error) error = read_dynamic(&image);
    if (!error) error = relocate_all(&image);
    if (!error) error = bind_exports(&image, exports, count);
    if (error && image.base) sys_munmap(image.base, page_up(image.span));
    return error;
}
