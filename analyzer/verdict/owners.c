/*
 * Tables of functions and modules whose memory is kept by design, or owned by a runtime with its own collector or pools.
 * A pattern matches a whole name; `*` stands for any text.
 */
#include "owners.h"

#include <fnmatch.h>
#include <string.h>

struct owner_row {
    const char *function, *module;
    enum growth_owner owner;
    bool outermost_too; /* anywhere on the stack, not only next to the allocation */
};

/* Next to the allocation: how many frames may lie between. */
#define NEAR 6u

static const struct owner_row rows[] = {
    /* stdio's buffers, locale and conversion tables, time zone, atexit and TLS tables, the name service */
    {"_IO_file_doallocate", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__new_exitfn", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__cxa_atexit*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__internal_atexit", NULL, GROWTH_OWNER_RUNTIME, false},
    {"setlocale", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__newlocale", NULL, GROWTH_OWNER_RUNTIME, false},
    {"_nl_*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"tzset*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__tz*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__gconv*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__nss_*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"bindtextdomain", NULL, GROWTH_OWNER_RUNTIME, false},
    {"textdomain", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__libc_alloc_buffer*", NULL, GROWTH_OWNER_RUNTIME, false},
    /* threads: stacks, control blocks, thread-local storage */
    {"pthread_create*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__pthread_create*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"allocate_dtv", NULL, GROWTH_OWNER_RUNTIME, false},
    {"_dl_allocate_tls*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__tls_get_addr*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"allocate_stack", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__pthread_setspecific", NULL, GROWTH_OWNER_RUNTIME, false},
    {"pthread_setspecific", NULL, GROWTH_OWNER_RUNTIME, false},
    /* the loader */
    {NULL, "ld-linux*", GROWTH_OWNER_RUNTIME, false},
    {NULL, "ld.so*", GROWTH_OWNER_RUNTIME, false},
    {"_dl_*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"call_init*", "ld-*", GROWTH_OWNER_RUNTIME, false},
    /* C++: the emergency pool, the per-thread exception globals, iostreams' and locale's start */
    {"*anonymous namespace*pool::pool*", NULL, GROWTH_OWNER_RUNTIME, false},
    {"__cxa_get_globals", NULL, GROWTH_OWNER_RUNTIME, false},
    {"std::locale::*", "libstdc++*", GROWTH_OWNER_RUNTIME, false},
    {"__register_frame*", NULL, GROWTH_OWNER_RUNTIME, false},
    /* allocators that are libraries of their own: what they allocate for themselves */
    {NULL, "libjemalloc*", GROWTH_OWNER_RUNTIME, false},
    {NULL, "libtcmalloc*", GROWTH_OWNER_RUNTIME, false},
    {NULL, "libmimalloc*", GROWTH_OWNER_RUNTIME, false},
    /* language runtimes */
    {NULL, "libpython*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "python2*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "python3*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "liblua*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "lua", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "lua5*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "luajit*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "libperl*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "perl", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "perl5*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "libruby*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "ruby*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "node", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "libnode*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "libjvm*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "libmozjs*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "libguile*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "libphp*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "php*", GROWTH_OWNER_INTERPRETER, true},
    {NULL, "libR.so*", GROWTH_OWNER_INTERPRETER, true},
    {"l_alloc", NULL, GROWTH_OWNER_INTERPRETER, false},
    {"luaM_*", NULL, GROWTH_OWNER_INTERPRETER, false},
    {"Perl_safesysmalloc", NULL, GROWTH_OWNER_INTERPRETER, false},
    {"_PyObject_*", NULL, GROWTH_OWNER_INTERPRETER, false},
    {"_PyMem_*", NULL, GROWTH_OWNER_INTERPRETER, false},
    /* pools */
    {"_obstack_*", NULL, GROWTH_OWNER_POOL, false},
    {"obstack_*", NULL, GROWTH_OWNER_POOL, false},
    {"apr_pool_*", NULL, GROWTH_OWNER_POOL, false},
    {"apr_palloc*", NULL, GROWTH_OWNER_POOL, false},
    {"allocator_alloc", "libapr*", GROWTH_OWNER_POOL, false},
    {"g_slice_*", NULL, GROWTH_OWNER_POOL, false},
    {"g_mem_chunk_*", NULL, GROWTH_OWNER_POOL, false},
    {"talloc_pool*", NULL, GROWTH_OWNER_POOL, false},
    {"ngx_palloc*", NULL, GROWTH_OWNER_POOL, false},
    {"ngx_pnalloc*", NULL, GROWTH_OWNER_POOL, false},
    {"ngx_create_pool", NULL, GROWTH_OWNER_POOL, false},
    {"std::pmr::*pool_resource*", NULL, GROWTH_OWNER_POOL, false},
    {"std::pmr::monotonic_buffer_resource*", NULL, GROWTH_OWNER_POOL, false},
    {"boost::pool*", NULL, GROWTH_OWNER_POOL, false},
    {"boost::object_pool*", NULL, GROWTH_OWNER_POOL, false},
};

static bool matches(const char *pattern, const char *name) {
    return !pattern || (name && fnmatch(pattern, name, 0) == 0);
}

enum growth_owner growth_owner_of(const struct owner_frame *frames, size_t count, bool internal) {
    if (internal) return GROWTH_OWNER_RUNTIME;
    for (size_t i = 0; i < count; i++) {
        for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
            if (i >= NEAR && !rows[row].outermost_too) continue;
            if (matches(rows[row].function, frames[i].function) && matches(rows[row].module, frames[i].module)) return rows[row].owner;
        }
    }
    return GROWTH_OWNER_PROGRAM;
}
