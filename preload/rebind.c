/*
 * Binding of references to the hooks (rebind.h).
 *
 * A reference is bound anew where its name is a hook's and it leads to the function that the hook stands before, or
 * would on first use (lazy binding). Any other definition is one that was meant.
 */
#include "rebind.h"

#include "machine_x86_64.h"
#include "real.h"
#include "sys.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, TURNS = 100 /* while other threads go on loading */ };

struct object {
    uintptr_t bias, start, end;
    uintptr_t sealed_start, sealed_end; /* whole pages that were made read-only when they had been relocated */
    const Elf64_Sym *symbols;
    const char *strings;
    struct references {
        const Elf64_Rela *rows;
        size_t count;
    } references[2]; /* of data, of calls */
};

/* ---- before ---- */

#pragma weak _dl_find_object

static const Elf64_Dyn *find_tag(const Elf64_Dyn *row, Elf64_Sxword tag) {
    while (row->d_tag != DT_NULL && row->d_tag != tag) row++;
    return row->d_tag == tag ? row : NULL;
}

/* RPATH, unlike RUNPATH, is searched for the libraries of what the object loads, too. */
static bool searches_for_others(uintptr_t caller) {
    struct dl_find_object found;
    if (!_dl_find_object || _dl_find_object((void *)caller, &found)) return true; // NOLINT(performance-no-int-to-ptr)
    return !found.dlfo_link_map || find_tag(found.dlfo_link_map->l_ld, DT_RPATH);
}

bool rebind_concerns(const char *path, int mode, uintptr_t caller) {
    if (!(mode & RTLD_DEEPBIND) || !path || !strchr(path, '/') || strchr(path, '$')) return false;
    return !searches_for_others(caller);
}

typedef int visitor(struct dl_phdr_info *info, size_t size, void *context);

/* libc's own: what the program may have put in its place is not ours to call. */
static void each_object(visitor *visit, void *context) {
    int (*iterate)(visitor *, void *) = dlsym(RTLD_NEXT, "dl_iterate_phdr");
    if (iterate) iterate(visit, context);
}

static int count_one(struct dl_phdr_info *info, size_t size, void *context) {
    (void)info, (void)size;
    ++*(size_t *)context;
    return 0;
}

size_t rebind_count(void) {
    size_t count = 0;
    each_object(count_one, &count);
    return count;
}

/* ---- one object ---- */

/* Addresses in the dynamic section, which the loader has relocated or not. */
static const void *pointer_in(const struct object *object, const Elf64_Dyn *row) {
    uintptr_t at = row ? row->d_un.d_ptr : 0;
    if (at && at < object->bias) at += object->bias;
    return at >= object->start && at < object->end ? (const void *)at : NULL; // NOLINT(performance-no-int-to-ptr)
}

static struct references references_at(const struct object *object, const Elf64_Dyn *rows, const Elf64_Dyn *bytes) {
    struct references references = {.rows = pointer_in(object, rows)};
    if (references.rows && bytes) references.count = bytes->d_un.d_val / sizeof *references.rows;
    return references;
}

static void read_dynamic(struct object *object, const Elf64_Dyn *dynamic) {
    const Elf64_Dyn *kind = find_tag(dynamic, DT_PLTREL);
    object->symbols = pointer_in(object, find_tag(dynamic, DT_SYMTAB));
    object->strings = pointer_in(object, find_tag(dynamic, DT_STRTAB));
    object->references[0] = references_at(object, find_tag(dynamic, DT_RELA), find_tag(dynamic, DT_RELASZ));
    if (kind && kind->d_un.d_val == DT_RELA)
        object->references[1] = references_at(object, find_tag(dynamic, DT_JMPREL), find_tag(dynamic, DT_PLTRELSZ));
}

/* False where it has no references by name. */
static bool read_object(struct object *object, const struct dl_phdr_info *info) {
    const Elf64_Dyn *dynamic = NULL;
    *object = (struct object){.bias = info->dlpi_addr, .start = UINTPTR_MAX};
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const Elf64_Phdr *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr, end = start + header->p_memsz;
        if (header->p_type == PT_LOAD && start < object->start) object->start = start;
        if (header->p_type == PT_LOAD && end > object->end) object->end = end;
        if (header->p_type == PT_DYNAMIC) dynamic = (const Elf64_Dyn *)start; // NOLINT(performance-no-int-to-ptr)
        if (header->p_type != PT_GNU_RELRO) continue;
        object->sealed_start = start & ~(uintptr_t)(PAGE - 1);
        object->sealed_end = end & ~(uintptr_t)(PAGE - 1);
    }
    if (dynamic) read_dynamic(object, dynamic);
    return object->symbols && object->strings;
}

static uintptr_t *place_of(const struct object *object, const Elf64_Rela *row) {
    unsigned kind = ELF64_R_TYPE(row->r_info);
    uintptr_t place = object->bias + row->r_offset;
    if (kind != MACHINE_RELOC_CALL && kind != MACHINE_RELOC_DATA && (kind != MACHINE_RELOC_ADDRESS || row->r_addend))
        return NULL;
    if (place < object->start || place > object->end - sizeof place) return NULL;
    return (uintptr_t *)place; // NOLINT(performance-no-int-to-ptr)
}

static const char *name_of(const struct object *object, const Elf64_Rela *row) {
    const Elf64_Sym *symbol = &object->symbols[ELF64_R_SYM(row->r_info)];
    return symbol->st_shndx == SHN_UNDEF ? object->strings + symbol->st_name : NULL;
}

/* ---- those behind ---- */

struct search {
    size_t skip;                         /* objects */
    uint64_t named[REAL_HOOKS / 64 + 1]; /* hooks that references not bound yet name */
    uint64_t real[REAL_HOOKS / 64 + 1];  /* those of them that would lead to the function behind the hook */
    unsigned long long added;            /* objects that the loader had ever added when references were noted */
    bool outdated;                       /* another thread's dlopen has added some since */
};

static bool has(const uint64_t *set, int hook) { return set[hook / 64] >> hook % 64 & 1; }
static void put(uint64_t *set, int hook) { set[hook / 64] |= 1ull << hook % 64; }

/* The hook that the reference names, or -1; *bound: what it leads to, 0 when it is not bound yet. */
static int hook_of(const struct object *object, const Elf64_Rela *row, uintptr_t *bound) {
    const uintptr_t *place = place_of(object, row);
    const char *name = place ? name_of(object, row) : NULL;
    if (!name) return -1;
    *bound = *place >= object->start && *place < object->end ? 0 : *place;
    return real_hook(name);
}

static void bind(const struct object *object, const Elf64_Rela *row, uintptr_t function) {
    uintptr_t *place = place_of(object, row), page = (uintptr_t)place & ~(uintptr_t)(PAGE - 1);
    bool sealed = page >= object->sealed_start && page < object->sealed_end;
    void *memory = (void *)page; // NOLINT(performance-no-int-to-ptr)
    if (sealed && sys_mprotect(memory, PAGE, PROT_READ | PROT_WRITE)) return;
    __atomic_store_n(place, function, __ATOMIC_RELEASE);
    if (sealed) sys_mprotect(memory, PAGE, PROT_READ);
}

typedef void reference_visitor(const struct object *object, const Elf64_Rela *row, struct search *search);

static void each_reference(const struct dl_phdr_info *info, struct search *search, reference_visitor *visit) {
    struct object object;
    if (search->skip) {
        search->skip--;
        return;
    }
    if (!read_object(&object, info)) return;
    for (unsigned table = 0; table < 2; table++)
        for (size_t i = 0; i < object.references[table].count; i++)
            visit(&object, &object.references[table].rows[i], search);
}

static void note_unbound(const struct object *object, const Elf64_Rela *row, struct search *search) {
    uintptr_t bound;
    int hook = hook_of(object, row, &bound);
    if (hook >= 0 && !bound) put(search->named, hook);
}

static void bind_reference(const struct object *object, const Elf64_Rela *row, struct search *search) {
    uintptr_t bound;
    int hook = hook_of(object, row, &bound);
    if (hook < 0 || (bound ? bound != real_address(hook) : !has(search->real, hook))) return;
    if (real_hook_address(hook)) bind(object, row, real_hook_address(hook));
}

static int note_object(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct search *search = context;
    search->added = info->dlpi_adds;
    each_reference(info, search, note_unbound);
    return 0;
}

/* What came after look_up() may not be relocated yet: sealing its pages now would kill the thread that does that. */
static int bind_object(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct search *search = context;
    search->outdated = info->dlpi_adds != search->added;
    if (search->outdated) return 1;
    each_reference(info, search, bind_reference);
    return 0;
}

/*
 * Not in the visitors: they run under a lock of the loader's that dlsym(3) would take in another order than dlopen(3).
 * It waits for each dlopen that has begun, so what was noted is relocated afterwards; that is why one name at least is
 * looked up.
 */
static void look_up(struct search *search, void *handle) {
    (void)dlsym(handle, "malloc");
    for (int hook = 0; hook < REAL_HOOKS; hook++)
        if (has(search->named, hook) && (uintptr_t)dlsym(handle, real_name(hook)) == real_address(hook))
            put(search->real, hook);
    dlerror(); /* of names that were not found: the program asked for none */
}

void rebind_behind(void *handle, size_t count) {
    for (unsigned turn = 0; turn < TURNS; turn++) {
        struct search search = {.skip = count};
        each_object(note_object, &search);
        look_up(&search, handle);
        search.skip = count;
        each_object(bind_object, &search);
        if (!search.outdated) return;
    }
}
