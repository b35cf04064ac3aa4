/*
 * Tables of functions and modules whose memory is kept by design, or owned by a runtime with its own collector or
 * pools. A pattern matches a whole name; `*` stands for any text.
 */
#include "owners.h"

#include <fnmatch.h>
#include <string.h>

struct owner_row {
    const char *function, *module;
    enum growth_owner owner;
};

/* Frames from the allocation on in which the functions of pools are looked for. */
#define NEAR 6u

static const struct owner_row rows[] = {
    /* stdio's buffers, locale and conversion tables, time zone, atexit and TLS tables, the name service */
    {"_IO_file_doallocate", NULL, GROWTH_OWNER_RUNTIME},
    {"__new_exitfn", NULL, GROWTH_OWNER_RUNTIME},
    {"__cxa_atexit*", NULL, GROWTH_OWNER_RUNTIME},
    {"__internal_atexit", NULL, GROWTH_OWNER_RUNTIME},
    {"setlocale", NULL, GROWTH_OWNER_RUNTIME},
    {"_nl_*", NULL, GROWTH_OWNER_RUNTIME},
    {"tzset*", NULL, GROWTH_OWNER_RUNTIME},
    {"__tz*", NULL, GROWTH_OWNER_RUNTIME},
    {"__gconv*", NULL, GROWTH_OWNER_RUNTIME},
    {"__nss_*", NULL, GROWTH_OWNER_RUNTIME},
    {"bindtextdomain", NULL, GROWTH_OWNER_RUNTIME},
    {"textdomain", NULL, GROWTH_OWNER_RUNTIME},
    {"__libc_alloc_buffer*", NULL, GROWTH_OWNER_RUNTIME},
    /* threads: stacks, control blocks, thread-local storage */
    {"pthread_create*", NULL, GROWTH_OWNER_THREADS},
    {"__pthread_create*", NULL, GROWTH_OWNER_THREADS},
    {"allocate_dtv", NULL, GROWTH_OWNER_RUNTIME},
    {"_dl_allocate_tls*", NULL, GROWTH_OWNER_RUNTIME},
    {"__tls_get_addr*", NULL, GROWTH_OWNER_RUNTIME},
    {"allocate_stack", NULL, GROWTH_OWNER_RUNTIME},
    {"__pthread_setspecific", NULL, GROWTH_OWNER_RUNTIME},
    {"pthread_setspecific", NULL, GROWTH_OWNER_RUNTIME},
    /* the loader */
    {NULL, "ld-linux*", GROWTH_OWNER_RUNTIME},
    {NULL, "ld.so*", GROWTH_OWNER_RUNTIME},
    {"_dl_*", NULL, GROWTH_OWNER_RUNTIME},
    {"call_init*", "ld-*", GROWTH_OWNER_RUNTIME},
    /* C++: the emergency pool, the per-thread exception globals, iostreams' and locale's start */
    {"*anonymous namespace*pool::pool*", NULL, GROWTH_OWNER_RUNTIME},
    {"__cxa_get_globals", NULL, GROWTH_OWNER_RUNTIME},
    {"std::locale::*", "libstdc++*", GROWTH_OWNER_RUNTIME},
    {"__register_frame*", NULL, GROWTH_OWNER_RUNTIME},
    /* allocators that are libraries of their own: what they allocate for themselves */
    {NULL, "libjemalloc*", GROWTH_OWNER_RUNTIME},
    {NULL, "libtcmalloc*", GROWTH_OWNER_RUNTIME},
    {NULL, "libmimalloc*", GROWTH_OWNER_RUNTIME},
    /* language runtimes */
    {NULL, "libpython*", GROWTH_OWNER_INTERPRETER},
    {NULL, "python2*", GROWTH_OWNER_INTERPRETER},
    {NULL, "python3*", GROWTH_OWNER_INTERPRETER},
    {NULL, "liblua*", GROWTH_OWNER_INTERPRETER},
    {NULL, "lua", GROWTH_OWNER_INTERPRETER},
    {NULL, "lua5*", GROWTH_OWNER_INTERPRETER},
    {NULL, "luajit*", GROWTH_OWNER_INTERPRETER},
    {NULL, "libperl*", GROWTH_OWNER_INTERPRETER},
    {NULL, "perl", GROWTH_OWNER_INTERPRETER},
    {NULL, "perl5*", GROWTH_OWNER_INTERPRETER},
    {NULL, "libruby*", GROWTH_OWNER_COLLECTOR},
    {NULL, "ruby*", GROWTH_OWNER_COLLECTOR},
    {NULL, "node", GROWTH_OWNER_COLLECTOR},
    {NULL, "libnode*", GROWTH_OWNER_COLLECTOR},
    {NULL, "libjvm*", GROWTH_OWNER_COLLECTOR},
    {NULL, "libmozjs*", GROWTH_OWNER_COLLECTOR},
    {NULL, "libguile*", GROWTH_OWNER_COLLECTOR},
    {NULL, "libphp*", GROWTH_OWNER_INTERPRETER},
    {NULL, "php*", GROWTH_OWNER_INTERPRETER},
    {NULL, "libR.so*", GROWTH_OWNER_COLLECTOR},
    {NULL, "mawk", GROWTH_OWNER_INTERPRETER},
    {NULL, "gawk", GROWTH_OWNER_INTERPRETER},
    {NULL, "original-awk", GROWTH_OWNER_INTERPRETER},
    {NULL, "libtcl*", GROWTH_OWNER_INTERPRETER},
    {NULL, "libjavascriptcoregtk*", GROWTH_OWNER_COLLECTOR},
    {NULL, "libQt?Qml*", GROWTH_OWNER_COLLECTOR},
    {NULL, "libmono*", GROWTH_OWNER_COLLECTOR},
    {NULL, "libcoreclr*", GROWTH_OWNER_COLLECTOR},
    {NULL, "libjulia*", GROWTH_OWNER_COLLECTOR},
    {NULL, "libgc.so*", GROWTH_OWNER_COLLECTOR},
    {NULL, "beam.smp", GROWTH_OWNER_COLLECTOR},
    {"caml_alloc*", NULL, GROWTH_OWNER_COLLECTOR},
    {"l_alloc", NULL, GROWTH_OWNER_INTERPRETER},
    {"luaM_*", NULL, GROWTH_OWNER_INTERPRETER},
    {"Perl_safesysmalloc", NULL, GROWTH_OWNER_INTERPRETER},
    {"_PyObject_*", NULL, GROWTH_OWNER_INTERPRETER},
    {"_PyMem_*", NULL, GROWTH_OWNER_INTERPRETER},
    /* pools */
    {"_obstack_*", NULL, GROWTH_OWNER_POOL},
    {"obstack_*", NULL, GROWTH_OWNER_POOL},
    {"apr_pool_*", NULL, GROWTH_OWNER_POOL},
    {"apr_palloc*", NULL, GROWTH_OWNER_POOL},
    {"allocator_alloc", "libapr*", GROWTH_OWNER_POOL},
    {"g_slice_*", NULL, GROWTH_OWNER_POOL},
    {"g_mem_chunk_*", NULL, GROWTH_OWNER_POOL},
    {"talloc_pool*", NULL, GROWTH_OWNER_POOL},
    {"ngx_palloc*", NULL, GROWTH_OWNER_POOL},
    {"ngx_pnalloc*", NULL, GROWTH_OWNER_POOL},
    {"ngx_create_pool", NULL, GROWTH_OWNER_POOL},
    {"std::pmr::*pool_resource*", NULL, GROWTH_OWNER_POOL},
    {"std::pmr::monotonic_buffer_resource*", NULL, GROWTH_OWNER_POOL},
    {"boost::pool*", NULL, GROWTH_OWNER_POOL},
    {"boost::object_pool*", NULL, GROWTH_OWNER_POOL},
};

/* Libraries through which everyone allocates; the first frame outside them asked for the memory. */
static const char *const shared_ground[] = {"libc.so*",   "libc-*",       "ld-linux*", "ld.so*",
                                            "libstdc++*", "libc++*",      "libgcc_s*", "libpthread*",
                                            "libm.so*",   "libtrace.so*", "libdl*"};

/* Most rows fail at the first letter, which is much cheaper to see than fnmatch() is to call. */
static bool matches(const char *pattern, const char *name) {
    if (!pattern) return true;
    return name && (*pattern == '*' || *pattern == *name) && fnmatch(pattern, name, 0) == 0;
}

static bool is_shared_ground(const char *module) {
    if (!module) return false;
    for (size_t i = 0; i < sizeof shared_ground / sizeof *shared_ground; i++)
        if (matches(shared_ground[i], module)) return true;
    return false;
}

/*
 * Runtime libraries keep what they ask for themselves, which is told by frames up to the first outside them; a
 * constructor that the loader calls is the program's. So are the blocks of an interpreter's extension: only its own
 * frame counts.
 */
static bool may_own(const struct owner_row *row, size_t frame, size_t first_outside) {
    bool of_runtime = row->owner == GROWTH_OWNER_RUNTIME || row->owner == GROWTH_OWNER_THREADS;
    if (of_runtime || !row->function) return frame <= first_outside;
    return frame < NEAR;
}

static enum growth_owner owner_of_frame(const struct owner_frame *frame, size_t index, size_t first_outside) {
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        if (may_own(&rows[row], index, first_outside) && matches(rows[row].function, frame->function) &&
            matches(rows[row].module, frame->module))
            return rows[row].owner;
    }
    return GROWTH_OWNER_PROGRAM;
}

/* The innermost frame that tells decides; but what the loader allocates for a new thread is the thread's. */
enum growth_owner growth_owner_of(const struct owner_frame *frames, size_t count, bool internal) {
    size_t first_outside = 0;
    enum growth_owner owner = GROWTH_OWNER_PROGRAM;
    if (internal) return GROWTH_OWNER_RUNTIME;
    while (first_outside < count && is_shared_ground(frames[first_outside].module)) first_outside++;
    for (size_t i = 0; i < count && (i <= first_outside || i < NEAR); i++) {
        enum growth_owner found = owner_of_frame(&frames[i], i, first_outside);
        if (owner == GROWTH_OWNER_PROGRAM) owner = found;
        if (found == GROWTH_OWNER_THREADS) return found;
    }
    return owner;
}
