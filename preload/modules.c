/*
 * Modules are known by where _dl_find_object says they are; what else we tell of them is read from their mapping.
 *
 * Known modules hang in hash chains by start address and are never removed, only marked gone, so readers need no lock.
 * A new one is written to the journal, then published by one compare-and-swap; who loses that race takes the winner's
 * and reports its own id as gone. The work runs on a stack of ours.
 */
#include "modules.h"

#include "../include/trace_format.h"
#include "../include/trace_wire.h"
#include "journal.h"
#include "stamp.h"
#include "stacks.h"
#include "sys.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <sys/auxv.h>

enum { BUCKETS = 1024, PAGE_MODULES = 256, PAGES = 4096, HEADERS_MAX = 32, PATH_BYTES = 4096, FIRST_BYTES = 4096 };

#pragma weak _dl_find_object

struct loaded {
    struct module module;
    atomic_bool published; /* all but `module.gone` and `told` stays as it is from then on */
    atomic_bool gone;
    atomic_bool told; /* its record is in the journal */
    struct loaded *next;
    const struct link_map *link;
};

/* What a record says beyond struct loaded; lives on a stack of ours. */
struct image {
    uintptr_t first; /* what the mapping begins with: headers and notes, read at once */
    size_t first_length;
    uint8_t first_page[FIRST_BYTES];
    ElfW(Phdr) headers[HEADERS_MAX];
    unsigned count;
    uintptr_t bias;
    uintptr_t build_id;
    size_t build_id_length;
};

struct known {
    _Atomic(struct loaded *) buckets[BUCKETS];
    _Atomic(struct loaded *) pages[PAGES]; /* PAGE_MODULES each, by id */
    _Atomic uint32_t count;
};

_Atomic uint32_t modules_epoch_now;

static struct known *known, *parents; /* parents: in the child of a fork, until modules_inherit */

static struct loaded *in(const struct known *all, uint32_t id) {
    if (!all || id == 0 || id > atomic_load_explicit(&all->count, memory_order_acquire)) return NULL;
    struct loaded *page = atomic_load_explicit(&all->pages[(id - 1) / PAGE_MODULES], memory_order_acquire);
    return page ? &page[(id - 1) % PAGE_MODULES] : NULL;
}

static struct loaded *by_id(uint32_t id) { return in(known, id); }

static bool is_gone(const struct loaded *loaded) { return atomic_load_explicit(&loaded->gone, memory_order_acquire); }

static _Atomic(struct loaded *) *bucket_of(uintptr_t start) { return &known->buckets[(start >> 12) % BUCKETS]; }

static bool matches(const struct loaded *loaded, const struct dl_find_object *found) {
    return loaded->module.start == (uintptr_t)found->dlfo_map_start &&
           loaded->module.end == (uintptr_t)found->dlfo_map_end && loaded->link == found->dlfo_link_map &&
           loaded->module.eh_frame_hdr == found->dlfo_eh_frame;
}

static struct loaded *look(const struct dl_find_object *found) {
    struct loaded *loaded = atomic_load_explicit(bucket_of((uintptr_t)found->dlfo_map_start), memory_order_acquire);
    while (loaded && (is_gone(loaded) || !matches(loaded, found))) loaded = loaded->next;
    return loaded;
}

static void read_first_page(struct image *image, uintptr_t start) {
    long length = sys_peek((const void *)start, image->first_page, FIRST_BYTES); // NOLINT(performance-no-int-to-ptr)
    image->first = start;
    image->first_length = length > 0 ? (size_t)length : 0;
}

static bool peek(const struct image *image, uintptr_t address, void *out, size_t length) {
    size_t at = address - image->first;
    if (at < image->first_length && length <= image->first_length - at) {
        memcpy(out, image->first_page + at, length);
        return true;
    }
    return sys_peek((const void *)address, out, length) == (long)length; // NOLINT(performance-no-int-to-ptr)
}

static bool read_headers(struct image *image, uintptr_t at, size_t count) {
    image->count = 0;
    if (count <= HEADERS_MAX && peek(image, at, image->headers, count * sizeof image->headers[0]))
        image->count = (unsigned)count;
    return image->count > 0;
}

static bool read_headers_of_file(struct image *image, uintptr_t start) {
    ElfW(Ehdr) elf;
    if (!peek(image, start, &elf, sizeof elf) || memcmp(elf.e_ident, ELFMAG, SELFMAG)) return false;
    return elf.e_phentsize == sizeof image->headers[0] && read_headers(image, start + elf.e_phoff, elf.e_phnum);
}

/*
 * The mapping begins with the ELF header; but where the linker left gaps between the segments (node), each is a mapping
 * of its own to _dl_find_object. Then the object's begin is its bias, or, for a program of fixed address, the kernel
 * knows the headers.
 */
static void find_headers(struct image *image, const struct loaded *loaded) {
    bool program = loaded->link && !*loaded->link->l_name;
    if (read_headers_of_file(image, loaded->module.start) || read_headers_of_file(image, image->bias)) return;
    if (program) read_headers(image, getauxval(AT_PHDR), getauxval(AT_PHNUM));
}

/* Finds NT_GNU_BUILD_ID in the notes at [at, at + length), which are mapped with the headers. */
static void read_build_id(struct image *image, uintptr_t at, size_t length) {
    ElfW(Nhdr) note;
    while (length >= sizeof note && peek(image, at, &note, sizeof note)) {
        size_t name = (note.n_namesz + 3u) & ~3ull, descriptor = (note.n_descsz + 3u) & ~3ull;
        if (name > length - sizeof note || descriptor > length - sizeof note - name) return;
        char owner[4] = "";
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && peek(image, at + sizeof note, owner, 4) &&
            !memcmp(owner, ELF_NOTE_GNU, 4)) {
            image->build_id = at + sizeof note + name;
            image->build_id_length = note.n_descsz <= 64 ? note.n_descsz : 0;
            return;
        }
        at += sizeof note + name + descriptor;
        length -= sizeof note + name + descriptor;
    }
}

/* Whether the bytes lie in what one segment has in memory. */
static bool is_loaded(const struct image *image, uintptr_t address, size_t length) {
    for (unsigned i = 0; i < image->count; i++) {
        const ElfW(Phdr) *header = &image->headers[i];
        uintptr_t distance = address - image->bias - header->p_vaddr;
        if (header->p_type == PT_LOAD && distance <= header->p_memsz && length <= header->p_memsz - distance)
            return true;
    }
    return false;
}

static void read_image(struct image *image, struct module *module) {
    for (unsigned i = 0; i < image->count; i++) {
        const ElfW(Phdr) *header = &image->headers[i];
        uintptr_t at = image->bias + header->p_vaddr;
        if (!is_loaded(image, at, header->p_filesz)) continue;
        if (header->p_type == PT_NOTE && !image->build_id) read_build_id(image, at, header->p_filesz);
        if (header->p_type == PT_GNU_EH_FRAME && at == (uintptr_t)module->eh_frame_hdr)
            module->eh_frame_hdr_length = header->p_memsz;
        if (header->p_type == PT_LOAD && (uintptr_t)module->eh_frame_hdr - at < header->p_filesz) {
            module->tables_start = at;
            module->tables_end = at + header->p_filesz;
        }
    }
}

/* Where the object was loaded from, as far as its file can be found again from another directory. */
static size_t read_path(const struct link_map *link, char out[PATH_BYTES]) {
    const char *name = link && link->l_name ? link->l_name : "";
    long length = 0;
    if (!*name) {
        length = sys_readlink("/proc/self/exe", out, PATH_BYTES);
    } else if (*name != '/' && strchr(name, '/')) {
        length = sys_readlink("/proc/self/cwd", out, PATH_BYTES - 1);
        if (length > 0) out[length++] = '/';
    }
    if (length < 0) length = 0;
    size_t rest = strlen(name);
    if (rest > PATH_BYTES - (size_t)length) rest = PATH_BYTES - (size_t)length;
    memcpy(out + length, name, rest);
    return (size_t)length + rest;
}

static void put_segments(struct wire_writer *w, const struct image *image) {
    unsigned loads = 0;
    for (unsigned i = 0; i < image->count; i++) loads += image->headers[i].p_type == PT_LOAD;
    wire_put_varint(w, loads);
    for (unsigned i = 0; i < image->count; i++) {
        const ElfW(Phdr) *header = &image->headers[i];
        if (header->p_type != PT_LOAD) continue;
        wire_put_varint(w, header->p_vaddr);
        wire_put_varint(w, header->p_memsz);
        wire_put_varint(w, header->p_offset);
        wire_put_varint(w, header->p_flags);
    }
}

/* FORMAT.md, record "module". A full or busy journal leaves it untold; modules_sweep tries again. */
static void tell(struct loaded *loaded, const struct image *image) {
    uint8_t body[JOURNAL_MAX_BODY];
    char path[PATH_BYTES];
    uint8_t id[64];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, loaded->module.id);
    wire_put_varint(&w, stamp_now());
    wire_put_varint(&w, loaded->module.start);
    wire_put_varint(&w, loaded->module.end);
    wire_put_varint(&w, image->bias);
    wire_put_string(&w, path, read_path(loaded->link, path));
    bool have_id = image->build_id && peek(image, image->build_id, id, image->build_id_length);
    wire_put_string(&w, (const char *)id, have_id ? image->build_id_length : 0);
    put_segments(&w, image);
    bool told = !w.failed && !journal_put(TRACE_RECORD_MODULE, body, (size_t)(w.at - body));
    atomic_store_explicit(&loaded->told, told, memory_order_relaxed);
}

static void tell_gone(const struct loaded *loaded) {
    uint8_t body[20];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, loaded->module.id);
    wire_put_varint(&w, stamp_now());
    journal_put(TRACE_RECORD_MODULE_GONE, body, (size_t)(w.at - body));
}

static void describe(struct loaded *loaded) {
    struct image image = {.bias = loaded->link ? loaded->link->l_addr : loaded->module.start};
    read_first_page(&image, loaded->module.start);
    find_headers(&image, loaded);
    read_image(&image, &loaded->module);
    tell(loaded, &image);
}

/* Memory for the next id, or NULL. A page that two threads make is taken from one of them. */
static struct loaded *new_loaded(void) {
    uint32_t index = atomic_load_explicit(&known->count, memory_order_relaxed);
    do {
        if (index >= PAGES * PAGE_MODULES || index >= TRACE_NODE_MODULE_MASK) return NULL;
        _Atomic(struct loaded *) *page = &known->pages[index / PAGE_MODULES];
        struct loaded *none = NULL;
        if (atomic_load_explicit(page, memory_order_acquire)) continue;
        struct loaded *fresh = sys_memory(PAGE_MODULES * sizeof *fresh);
        if (!fresh) return NULL;
        if (!atomic_compare_exchange_strong(page, &none, fresh)) sys_munmap(fresh, PAGE_MODULES * sizeof *fresh);
    } while (!atomic_compare_exchange_weak(&known->count, &index, index + 1));
    struct loaded *loaded = by_id(index + 1);
    loaded->module.id = index + 1;
    return loaded;
}

/* Publishes `loaded`, or returns the one that another thread published first. */
static struct loaded *publish(struct loaded *loaded, const struct dl_find_object *found) {
    _Atomic(struct loaded *) *bucket = bucket_of(loaded->module.start);
    struct loaded *first = atomic_load_explicit(bucket, memory_order_acquire);
    do {
        struct loaded *other = look(found);
        if (other) {
            atomic_store_explicit(&loaded->gone, true, memory_order_release);
            tell_gone(loaded);
            return other;
        }
        loaded->next = first;
    } while (
        !atomic_compare_exchange_strong_explicit(bucket, &first, loaded, memory_order_release, memory_order_acquire));
    atomic_store_explicit(&loaded->published, true, memory_order_release); /* pairs with the acquire in sweep() */
    return loaded;
}

struct addition {
    const struct dl_find_object *found;
    struct loaded *loaded;
};

static void add(void *argument) {
    struct addition *addition = argument;
    const struct dl_find_object *found = addition->found;
    struct loaded *loaded = new_loaded();
    if (!loaded) return;
    loaded->module.start = (uintptr_t)found->dlfo_map_start;
    loaded->module.end = (uintptr_t)found->dlfo_map_end;
    loaded->module.eh_frame_hdr = found->dlfo_eh_frame;
    loaded->link = found->dlfo_link_map;
    describe(loaded);
    addition->loaded = publish(loaded, found);
}

static bool find_object(uintptr_t address, struct dl_find_object *found) {
    return _dl_find_object && _dl_find_object((void *)address, found) == 0; // NOLINT(performance-no-int-to-ptr)
}

const char *modules_name(uintptr_t address) {
    struct dl_find_object found;
    return find_object(address, &found) && found.dlfo_link_map ? found.dlfo_link_map->l_name : NULL;
}

const struct module *modules_find(uintptr_t ip) {
    struct dl_find_object found;
    if (!known || !find_object(ip, &found)) return NULL;
    struct addition addition = {&found, look(&found)};
    if (!addition.loaded) stacks_call(add, &addition);
    return addition.loaded ? &addition.loaded->module : NULL;
}

const struct module *modules_by_id(uint32_t id) {
    struct loaded *loaded = by_id(id);
    return loaded ? &loaded->module : NULL;
}

/* Marks a module gone once; readers that still see it alive see the old epoch too. */
static void retire(struct loaded *loaded) {
    if (atomic_exchange_explicit(&loaded->gone, true, memory_order_acq_rel)) return;
    loaded->module.gone = true;
    atomic_fetch_add_explicit(&modules_epoch_now, 1, memory_order_release);
    tell_gone(loaded);
}

static void sweep(void *unused) {
    (void)unused;
    uint32_t count = atomic_load_explicit(&known->count, memory_order_acquire);
    for (uint32_t id = 1; id <= count; id++) {
        struct loaded *loaded = by_id(id);
        struct dl_find_object found;
        if (!atomic_load_explicit(&loaded->published, memory_order_acquire) || is_gone(loaded)) continue;
        if (!find_object(loaded->module.start, &found) || !matches(loaded, &found)) retire(loaded);
        else if (!atomic_load_explicit(&loaded->told, memory_order_relaxed)) describe(loaded);
    }
}

void modules_sweep(void) {
    if (known) stacks_call(sweep, NULL);
}

/* One mapping of _dl_find_object's for each executable segment, where the linker left gaps between them. */
static int find_segments(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X)
            modules_find(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    return 0;
}

/* libc's own: what the program may have put in its place is not ours to call. */
void modules_scan(void) {
    int (*iterate)(int (*)(struct dl_phdr_info *, size_t, void *), void *) = dlsym(RTLD_NEXT, "dl_iterate_phdr");
    if (known && iterate) iterate(find_segments, NULL);
}

static void release(struct known *old) {
    for (unsigned i = 0; i < PAGES; i++) {
        struct loaded *page = atomic_load_explicit(&old->pages[i], memory_order_relaxed);
        if (!page) break;
        sys_munmap(page, PAGE_MODULES * sizeof *page);
    }
    sys_munmap(old, sizeof *old);
}

static void find_again(void *unused) {
    (void)unused;
    uint32_t count = atomic_load_explicit(&parents->count, memory_order_relaxed);
    for (uint32_t id = 1; id <= count; id++) {
        const struct loaded *loaded = in(parents, id);
        if (loaded && !is_gone(loaded)) modules_find(loaded->module.start);
    }
}

void modules_inherit(void) {
    if (!parents) return;
    stacks_call(find_again, NULL);
    release(parents);
    parents = NULL;
}

int modules_start(void) {
    if (stacks_start()) return -ENOMEM;
    if (parents) release(parents);
    parents = known;
    known = sys_memory(sizeof *known);
    return known ? 0 : -ENOMEM;
}
