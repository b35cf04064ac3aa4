/*
 * The table of allocation wrappers. A row is a glob on the function and, where the name alone would say too much, one
 * on the module. Endings such as *alloc are left out on purpose: session_alloc() is a call site that its owner wants to
 * see.
 */
#include "wrappers.h"

#include <fnmatch.h>
#include <string.h>

struct wrapper {
    const char *function;
    const char *module; /* NULL: any */
};

/* Libraries that allocate for whoever calls them: no function of theirs is a call site while another is left. */
static const char *const runtimes[] = {
    "libc.so.*",       "libc-*.so",    "ld-linux*",       "ld-2*.so",      "ld-musl*", "libpthread*", "libdl.so*",
    "libstdc++.so*",   "libgcc_s.so*", "libc++.so*",      "libc++abi.so*", "libm.so*", "librt.so*",   "libtrace.so*",
    "libjemalloc.so*", "libtcmalloc*", "libmimalloc.so*", "linux-vdso*",   "[[]vdso]",
};

static const struct wrapper wrappers[] = {
    /* C++ and Rust */
    {"operator new*", NULL},
    {"std::*", NULL},
    {"__gnu_cxx::*", NULL},
    {"__cxa_*", NULL},
    {"alloc::*", NULL},
    {"core::*", NULL},
    {"hashbrown::*", NULL},
    {"<alloc::*", NULL},
    {"<core::*", NULL},
    {"<std::*", NULL},
    {"<hashbrown::*", NULL},
    {"__rust_*", NULL},
    {"__rdl_*", NULL},
    {"__rg_*", NULL},
    {"__rustc::*", NULL},
    /* The functions themselves, and those of the C library that give memory to their caller */
    {"malloc", NULL},
    {"calloc", NULL},
    {"realloc", NULL},
    {"reallocarray", NULL},
    {"memalign", NULL},
    {"posix_memalign", NULL},
    {"aligned_alloc", NULL},
    {"valloc", NULL},
    {"pvalloc", NULL},
    {"mmap", NULL},
    {"mmap64", NULL},
    {"__libc_*alloc*", NULL},
    {"__strdup", NULL},
    {"__strndup", NULL},
    {"strdup", NULL},
    {"strndup", NULL},
    {"wcsdup", NULL},
    {"asprintf", NULL},
    {"vasprintf", NULL},
    {"__*asprintf*", NULL},
    {"getline", NULL},
    {"getdelim", NULL},
    /* xmalloc and its like: at most three letters before the name */
    {"[a-z]malloc", NULL},
    {"[a-z]calloc", NULL},
    {"[a-z]realloc", NULL},
    {"[a-z]zalloc", NULL},
    {"[a-z]strdup", NULL},
    {"[a-z]strndup", NULL},
    {"[a-z][a-z]malloc", NULL},
    {"[a-z][a-z]calloc", NULL},
    {"[a-z][a-z]realloc", NULL},
    {"[a-z][a-z]strdup", NULL},
    {"x*asprintf", NULL},
    {"xstrfmt", NULL},
    {"xstrvfmt", NULL},
    {"xmalloc*", NULL},
    {"xcalloc*", NULL},
    {"xrealloc*", NULL},
    {"xmemdup*", NULL},
    {"xstrdup*", NULL},
    {"x[23c]*alloc", NULL},
    {"xpalloc", NULL},
    {"do_xmalloc*", NULL},
    {"safe_malloc", NULL},
    {"safe_calloc", NULL},
    {"safe_realloc", NULL},
    {"checked_malloc", NULL},
    {"checked_calloc", NULL},
    {"checked_realloc", NULL},
    /* Allocation layers of programs and libraries */
    {"g_malloc*", NULL},
    {"g_try_malloc*", NULL},
    {"g_realloc*", NULL},
    {"g_try_realloc*", NULL},
    {"g_strdup*", NULL},
    {"g_strndup", NULL},
    {"g_memdup*", NULL},
    {"g_slice_*", NULL},
    {"g_strconcat", NULL},
    {"Py*_*alloc", NULL},
    {"_Py*_*alloc", NULL},
    {"_PyMem_*", NULL},
    {"_PyObject_Malloc*", NULL},
    {"_PyObject_Calloc*", NULL},
    {"_PyObject_Realloc*", NULL},
    {"pymalloc_*", NULL},
    {"new_arena", "*python*"},
    {"allocate_from_new_pool", "*python*"},
    {"_PyObject_Arena*", NULL},
    {"os::*alloc*", "libjvm*"},
    {"os::strdup*", "libjvm*"},
    {"AllocateHeap*", "libjvm*"},
    {"ReallocateHeap*", "libjvm*"},
    {"ResourceObj::operator new*", "libjvm*"},
    {"NMTPreInitAllocation::*", "libjvm*"},
    {"l_alloc", NULL},
    {"luaM_*", NULL},
    {"Perl_safesys*alloc", NULL},
    {"Perl_savepv*", NULL},
    {"Perl_sv_grow*", NULL},
    {"Perl_more_bodies", NULL},
    {"ruby_x*alloc*", NULL},
    {"objspace_x*alloc*", NULL},
    {"zmalloc*", NULL},
    {"zcalloc*", NULL},
    {"zrealloc*", NULL},
    {"ztrymalloc*", NULL},
    {"ztrycalloc*", NULL},
    {"ztryrealloc*", NULL},
    {"zstrdup", NULL},
    {"ngx_alloc", NULL},
    {"ngx_calloc", NULL},
    {"ngx_memalign", NULL},
    {"ngx_palloc*", NULL},
    {"ngx_pcalloc", NULL},
    {"ngx_pnalloc", NULL},
    {"ngx_create_pool", NULL},
    {"apr_palloc*", NULL},
    {"apr_pcalloc*", NULL},
    {"apr_pstrdup", NULL},
    {"apr_allocator_alloc*", NULL},
    {"apr_pool_create*", NULL},
    {"allocator_alloc", NULL},
    {"sqlite3Mem*", NULL},
    {"sqlite3Malloc*", NULL},
    {"sqlite3Realloc*", NULL},
    {"sqlite3DbMalloc*", NULL},
    {"sqlite3DbRealloc*", NULL},
    {"sqlite3DbStrDup", NULL},
    {"sqlite3DbStrNDup", NULL},
    {"sqlite3_malloc*", NULL},
    {"sqlite3_realloc*", NULL},
    {"dbMalloc*", NULL},
    {"mallocWithAlarm", NULL},
    {"jv_mem_*alloc*", NULL},
    {"jv_mem_strdup*", NULL},
    {"CRYPTO_*alloc*", NULL},
    {"CRYPTO_strdup", NULL},
    {"CRYPTO_strndup", NULL},
    {"CRYPTO_memdup", NULL},
    {"OPENSSL_*alloc*", NULL},
    {"je_*alloc*", NULL},
    {"mi_*alloc*", NULL},
    {"tc_*alloc*", NULL},
    {"_obstack_*", NULL},
    {"rpl_obstack_*", NULL},
    {"talloc*", NULL},
    {"_talloc*", NULL},
    {"palloc", NULL},
    {"palloc0", NULL},
    {"repalloc", NULL},
    {"AllocSetAlloc", NULL},
    {"_emalloc*", NULL},
    {"_safe_malloc", NULL},
    {"xmlStrdup", NULL},
    {"xmlMalloc*", NULL},
    {"av_malloc*", NULL},
    {"av_mallocz*", NULL},
    {"av_realloc*", NULL},
    {"ares_malloc", NULL},
    {"ares_realloc", NULL},
    {"ares_strdup", NULL},
    {"cJSON_malloc", NULL},
    {"cJSON_strdup", NULL},
    {"event_mm_*alloc_", NULL},
    {"event_mm_strdup_", NULL},
    {"expat_malloc", NULL},
    {"expat_realloc", NULL},
    {"flb_malloc", NULL},
    {"flb_calloc", NULL},
    {"flb_realloc", NULL},
    {"flb_strdup", NULL},
    {"gcry_*alloc*", NULL},
    {"gcry_strdup", NULL},
    {"gpgrt_*alloc*", NULL},
    {"hi_malloc", NULL},
    {"hi_calloc", NULL},
    {"hi_realloc", NULL},
    {"hi_strdup", NULL},
    {"jsonp_malloc", NULL},
    {"jsonp_strdup", NULL},
    {"jsonp_strndup", NULL},
    {"lzma_alloc", NULL},
    {"mbedtls_calloc", NULL},
    {"nghttp2_mem_*alloc", NULL},
    {"os_malloc", NULL},
    {"os_zalloc", NULL},
    {"os_realloc", NULL},
    {"os_strdup", NULL},
    {"png_malloc*", NULL},
    {"png_calloc", NULL},
    {"png_zalloc", NULL},
    {"rd_malloc", NULL},
    {"rd_calloc", NULL},
    {"rd_realloc", NULL},
    {"rd_strdup", NULL},
    {"SDL_malloc*", NULL},
    {"SDL_calloc*", NULL},
    {"SDL_realloc*", NULL},
    {"SDL_strdup*", NULL},
    {"Tcl_*Alloc", NULL},
    {"Tcl_*Realloc", NULL},
    {"TclpAlloc", NULL},
    {"uv__malloc", NULL},
    {"uv__calloc", NULL},
    {"uv__realloc", NULL},
    {"uv__strdup", NULL},
    {"wolfSSL_Malloc", NULL},
    {"wolfSSL_Realloc", NULL},
    {"xmlMem*alloc", NULL},
    {"yaml_malloc", NULL},
    {"yaml_realloc", NULL},
    {"yaml_strdup", NULL},
    {"ggc_internal_alloc*", NULL},
    {"ggc_alloc*", NULL},
    {"ggc_realloc*", NULL},
    {"va_heap::*", NULL},
    {"ggc_*_alloc*", NULL},
};

/* Most rows fail at the first letter, which is much cheaper to see than fnmatch() is to call. */
static bool matches(const char *glob, const char *text) {
    bool open = *glob == '*' || *glob == '?' || *glob == '[';
    return (open || *glob == *text) && fnmatch(glob, text, 0) == 0;
}

static bool is_runtime(const char *module) {
    for (size_t i = 0; module && i < sizeof runtimes / sizeof *runtimes; i++)
        if (matches(runtimes[i], module)) return true;
    return false;
}

static bool in_table(const char *function, const char *module) {
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        const struct wrapper *row = &wrappers[i];
        if (matches(row->function, function) && (!row->module || (module && matches(row->module, module)))) return true;
    }
    return false;
}

static bool is_wrapper(const char *function, const char *module, const struct wrapper_set *extra) {
    if (!function) return false;
    for (size_t i = 0; extra && i < extra->count; i++)
        if (matches(extra->globs[i], function)) return true;
    return in_table(function, module);
}

/* What starts the program; not a call site of anything. */
static bool starts_program(const struct symbol_frame *frame) {
    static const char *const names[] = {"_start",    "__libc_start_main*", "_dl_start_user",
                                        "_dl_start", "start_thread",       "clone*"};
    for (size_t i = 0; frame->function && i < sizeof names / sizeof *names; i++)
        if (matches(names[i], frame->function)) return true;
    return false;
}

/* An internal function of a stripped library, of which a caller in the same library has a name. */
static bool nameless_inside(const struct symbol_frame *frames, size_t at, size_t count,
                            const struct wrapper_set *extra) {
    const char *module = frames[at].module;
    if (frames[at].function || !module || !strstr(module, ".so")) return false;
    for (size_t i = at + 1; i < count && frames[i].module && strcmp(frames[i].module, module) == 0; i++)
        if (frames[i].function && !is_wrapper(frames[i].function, module, extra)) return !starts_program(&frames[i]);
    return false;
}

static size_t first_plain(const struct symbol_frame *frames, size_t count, const struct wrapper_set *extra,
                          bool skip_runtimes) {
    for (size_t i = 0; i < count; i++) {
        if (skip_runtimes && is_runtime(frames[i].module)) continue;
        if (is_wrapper(frames[i].function, frames[i].module, extra)) continue;
        if (!nameless_inside(frames, i, count, extra)) return i;
    }
    return count;
}

size_t call_site(const struct symbol_frame *frames, size_t count, const struct wrapper_set *extra) {
    size_t site = first_plain(frames, count, extra, true);
    if (site == count || starts_program(&frames[site])) site = first_plain(frames, count, extra, false);
    return site == count ? 0 : site;
}
