/*
 * libunwind driven through unw_init_remote with our own accessors.
 *
 * Few processes ever need it, and three libraries for the loader are more than all else costs a short one. So it is
 * mapped by the first walk, which may be in any hook, without the loader (image.h) and bound to the few functions that
 * its remote part uses: memory comes from us, and whatever else it may ask for is refused, such as the pipe that it
 * opens to probe memory of its local address space, which we never touch.
 */
#include "reference.h"

#include "glibc.h"
#include "image.h"
#include "machine_x86_64.h"
#include "modules.h"
#include "stacks.h"
#include "sys.h"
#include "text.h"

#include <errno.h>
#include <libunwind.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIBRARY "libunwind-x86_64.so.8"
enum { PAGE = 4096, PAGES = 16, HDR_HEAD = 12, HDR_ENTRY = 8, PATH_BYTES = 4096 };

typedef int search_table(unw_addr_space_t, unw_word_t, unw_dyn_info_t *, unw_proc_info_t *, int, void *);

static struct {
    unw_addr_space_t (*create)(unw_accessors_t *, int);
    int (*init)(unw_cursor_t *, unw_addr_space_t, void *);
    int (*step)(unw_cursor_t *);
    int (*get)(unw_cursor_t *, int, unw_word_t *);
    int (*is_signal)(unw_cursor_t *);
    search_table *search;
} api;

enum state { CLOSED, FOUND, OPENING, OPEN, BROKEN };

static unw_addr_space_t space;
static char library[PATH_BYTES];
static _Atomic(enum state) state;
static atomic_int inside;

/* One walk. Pages that could be read are read directly from then on. */
struct walk {
    const struct unwind_state *start;
    reference_visit visit;
    void *argument;
    int result;
    uintptr_t entry_ip, entry_sp; /* registers that libunwind starts with */
    const struct module *module;
    uintptr_t pages[PAGES];
    unw_cursor_t cursor;
};

static bool page_readable(struct walk *walk, uintptr_t address) {
    uintptr_t page = address / PAGE;
    uintptr_t *slot = &walk->pages[page % PAGES];
    if (*slot == page) return page != 0;
    if (!sys_is_readable((const void *)(page * PAGE))) return false; // NOLINT(performance-no-int-to-ptr)
    *slot = page;
    return true;
}

/* The word below the first frame's CFA is its return address, also where the machine keeps it elsewhere. */
static int access_memory(unw_addr_space_t as, unw_word_t address, unw_word_t *value, int write, void *argument) {
    struct walk *walk = argument;
    (void)as;
    if (write) return -UNW_EINVAL;
    if (!walk->start->exact && address == walk->entry_sp) {
        *value = walk->start->ip;
        return 0;
    }
    if (!page_readable(walk, address) || !page_readable(walk, address + sizeof *value - 1)) return -UNW_EINVAL;
    *value = machine_load(address);
    return 0;
}

static int access_register(unw_addr_space_t as, unw_regnum_t number, unw_word_t *value, int write, void *argument) {
    const struct walk *walk = argument;
    (void)as;
    if (write) return -UNW_EREADONLYREG;
    switch (number) {
    case UNW_X86_64_RIP: *value = walk->entry_ip; return 0;
    case UNW_X86_64_RSP: *value = walk->entry_sp; return 0;
    case UNW_X86_64_RBP: *value = walk->start->bp; return 0;
    default: return -UNW_EBADREG;
    }
}

static int access_float(unw_addr_space_t as, unw_regnum_t number, unw_fpreg_t *value, int write, void *argument) {
    (void)as, (void)number, (void)value, (void)write, (void)argument;
    return -UNW_EBADREG;
}

/* The search table in .eh_frame_hdr: after a head of 12 bytes, where the encodings are the usual ones. */
static bool describe_table(const struct module *module, unw_dyn_info_t *out) {
    static const uint8_t usual[4] = {1, 0x1b, 0x03, 0x3b};
    uint32_t count;
    const char *hdr = module->eh_frame_hdr;
    if (module->eh_frame_hdr_length < HDR_HEAD || memcmp(hdr, usual, sizeof usual) != 0) return false;
    memcpy(&count, hdr + 8, sizeof count);
    if (count > (module->eh_frame_hdr_length - HDR_HEAD) / HDR_ENTRY) return false;
    memset(out, 0, sizeof *out);
    out->start_ip = module->start;
    out->end_ip = module->end;
    out->format = UNW_INFO_FORMAT_REMOTE_TABLE;
    out->u.rti.segbase = (unw_word_t)hdr;
    out->u.rti.table_data = (unw_word_t)hdr + HDR_HEAD;
    out->u.rti.table_len = (unw_word_t)count * HDR_ENTRY / sizeof(unw_word_t);
    return true;
}

static int find_procedure(unw_addr_space_t as, unw_word_t ip, unw_proc_info_t *out, int need_info, void *argument) {
    struct walk *walk = argument;
    unw_dyn_info_t table;
    if (!walk->module || ip < walk->module->start || ip >= walk->module->end) walk->module = modules_find(ip);
    if (!walk->module || !walk->module->eh_frame_hdr || !describe_table(walk->module, &table)) return -UNW_ENOINFO;
    return api.search(as, ip, &table, out, need_info, argument);
}

static void put_info(unw_addr_space_t as, unw_proc_info_t *info, void *argument) {
    (void)as, (void)info, (void)argument;
}

static int no_dynamic_list(unw_addr_space_t as, unw_word_t *list, void *argument) {
    (void)as, (void)list, (void)argument;
    return -UNW_ENOINFO;
}

static int no_resume(unw_addr_space_t as, unw_cursor_t *cursor, void *argument) {
    (void)as, (void)cursor, (void)argument;
    return -UNW_EINVAL;
}

static int no_name(unw_addr_space_t as, unw_word_t ip, char *name, size_t size, unw_word_t *offset, void *argument) {
    (void)as, (void)ip, (void)name, (void)size, (void)offset, (void)argument;
    return -UNW_ENOINFO;
}

static unw_accessors_t accessors = {
    .find_proc_info = find_procedure,
    .put_unwind_info = put_info,
    .get_dyn_info_list_addr = no_dynamic_list,
    .access_mem = access_memory,
    .access_reg = access_register,
    .access_fpreg = access_float,
    .resume = no_resume,
    .get_proc_name = no_name,
};

/* libunwind takes its first ip as exact. A return address is therefore reached by a step from a frame that called. */
static int begin(struct walk *walk) {
    bool exact = walk->start->exact;
    walk->entry_ip = exact ? walk->start->ip : (uintptr_t)machine_called_frame;
    walk->entry_sp = exact ? walk->start->sp : walk->start->sp - sizeof(uintptr_t);
    int result = api.init(&walk->cursor, space, walk);
    if (result < 0 || exact) return result;
    return api.step(&walk->cursor) > 0 ? 0 : -UNW_EBADFRAME;
}

static int read_frame(struct walk *walk, struct unwind_state *frame) {
    unw_word_t ip = 0, sp = 0, bp = 0;
    if (api.get(&walk->cursor, UNW_REG_IP, &ip) < 0 || api.get(&walk->cursor, UNW_REG_SP, &sp) < 0) return -EFAULT;
    if (ip && api.get(&walk->cursor, UNW_X86_64_RBP, &bp) < 0) bp = 0;
    *frame = (struct unwind_state){ip, sp, bp, api.is_signal(&walk->cursor) > 0};
    return 0;
}

static void run(void *argument) {
    struct walk *walk = argument;
    struct unwind_state frame;
    walk->result = -EFAULT;
    if (begin(walk) < 0) return;
    for (;;) {
        int step = api.step(&walk->cursor);
        if (step < 0 || (step > 0 && read_frame(walk, &frame))) return;
        if (step == 0 || frame.ip == 0) break;
        if (!walk->visit(walk->argument, &frame)) {
            walk->result = 1;
            return;
        }
    }
    walk->result = 0;
}

/* ---- opening ---- */

/*
 * Signals are blocked (stacks_call). sigprocmask(3) would let libc's own in: one kills the thread behind timers,
 * another cancels.
 */
static int leave_signals(void) { return 0; }

static void refuse(void) {}
static long refused(void) { return -1; }

static void *take(size_t length) { return sys_memory(length); }
static void *take_zeroed(size_t count, size_t size) { return sys_memory(count * size); }
static void *map(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    void *memory = sys_mmap(address, length, protection, flags, fd, (uint64_t)offset);
    return memory ? memory : MAP_FAILED;
}

/* libunwind 1.8 asks for its memory this way. */
static long system_call(long number, long a, long b, long c, long d, long e, long f) {
    void *address = (void *)a; // NOLINT(performance-no-int-to-ptr)
    if (number == SYS_mmap) return (long)map(address, (size_t)b, (int)c, (int)d, (int)e, f);
    return number == SYS_munmap ? sys_munmap(address, (size_t)b) : refused();
}

#define GIVE(name, function)                                                                                           \
    { name, (void (*)(void))(function) }
static const struct image_import imports[] = {
    GIVE("malloc", take),
    GIVE("calloc", take_zeroed),
    GIVE("free", refuse),
    GIVE("mmap", map),
    GIVE("munmap", sys_munmap),
    GIVE("syscall", system_call),
    GIVE("memcpy", memcpy),
    GIVE("memmove", memmove),
    GIVE("memset", memset),
    GIVE("memchr", memchr),
    GIVE("strlen", strlen),
    GIVE("strcmp", strcmp),
    GIVE("strcpy", strcpy),
    GIVE("strncpy", strncpy),
    GIVE("strrchr", strrchr),
    GIVE("sigfillset", sigfillset),
    GIVE("sigprocmask", leave_signals),
    GIVE("pthread_sigmask", leave_signals),
    GIVE("pthread_mutex_init", pthread_mutex_init),
    GIVE("pthread_mutex_lock", pthread_mutex_lock),
    GIVE("pthread_mutex_unlock", pthread_mutex_unlock),
    GIVE("getpagesize", getpagesize),
    GIVE("sysconf", sysconf),
    GIVE("__errno_location", __errno_location),
    GIVE("abort", abort),
    GIVE(NULL, refused),
};

/* Its one-time set-up is a part of the first walk: made here, so that no two do it at once. */
static enum state set_up(void) {
    static const struct image_export exports[] = {
        {"_Ux86_64_create_addr_space", &api.create},
        {"_Ux86_64_init_remote", &api.init},
        {"_Ux86_64_step", &api.step},
        {"_Ux86_64_get_reg", &api.get},
        {"_Ux86_64_is_signal_frame", &api.is_signal},
        {"_Ux86_64_dwarf_search_unwind_table", &api.search},
    };
    struct unwind_state start = {.ip = (uintptr_t)machine_called_frame, .sp = machine_stack_pointer(), .exact = true};
    struct walk walk = {.start = &start};
    if (image_load(library, imports, exports, sizeof exports / sizeof *exports)) return BROKEN;
    space = api.create(&accessors, 0);
    return space && begin(&walk) >= 0 ? OPEN : BROKEN;
}

/* On a stack of ours, signals blocked. Who comes while another opens it waits. */
static bool is_open(void) {
    enum state found = FOUND;
    if (atomic_compare_exchange_strong(&state, &found, OPENING))
        atomic_store_explicit(&state, set_up(), memory_order_release);
    while (atomic_load_explicit(&state, memory_order_acquire) == OPENING) sys_yield();
    return state == OPEN;
}

/* It lies where libc does. */
int reference_open(void) {
    const char *libc = modules_name((uintptr_t)gnu_get_libc_version);
    if (!libc) return -ENOENT;
    struct text text = text_into(library, sizeof library);
    text_put_bytes(&text, libc, (size_t)(text_base(libc) - libc));
    text_put(&text, LIBRARY);
    if (text.full) return -ENAMETOOLONG;
    atomic_store_explicit(&state, FOUND, memory_order_release);
    return 0;
}

static void open_now(void *unused) {
    int saved = errno;
    (void)unused;
    is_open();
    errno = saved;
}

void reference_hurry(void) {
    if (state == FOUND) stacks_call(open_now, NULL);
}

/* ---- walking ---- */

/* What the caller has on its own stack: the walk's state is too large for that. */
struct request {
    const struct unwind_state *start;
    reference_visit visit;
    void *argument;
    int result;
};

static void walk_or_not(struct request *request) {
    if (!is_open()) return;
    struct walk walk = {.start = request->start, .visit = request->visit, .argument = request->argument};
    run(&walk);
    request->result = walk.result;
}

/* libunwind changes errno, also when it is set up. */
static void serve(void *request) {
    int saved = errno;
    walk_or_not(request);
    errno = saved;
}

int reference_walk(const struct unwind_state *start, reference_visit visit, void *argument) {
    struct request request = {start, visit, argument, -EAGAIN};
    if (state == CLOSED || state == BROKEN) return -ENOSYS;
    atomic_fetch_add_explicit(&inside, 1, memory_order_acquire);
    stacks_call(serve, &request);
    atomic_fetch_sub_explicit(&inside, 1, memory_order_release);
    return request.result;
}

void reference_start(void) {
    if (!atomic_exchange(&inside, 0)) return;
    if (state == OPENING) state = FOUND;
    if (state == OPEN) state = BROKEN;
}
