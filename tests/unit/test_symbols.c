/* libs: -ldw -lelf -liberty */
/*
 * Names of addresses in programs that are compiled here. Labels in the assembly say where an inlined function lies, so
 * what is expected follows from the source and from nm, not from the code under test.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/symbols/demangle.h"
#include "../../analyzer/symbols/symbols.h"
#include "../../analyzer/symbols/source_path.h"
#include "../../analyzer/symbols/site.h"
#include "../../analyzer/symbols/wrappers.h"

static char folder[] = "/tmp/tidemark-symbols-XXXXXX";

static const char source_c[] =
    "#include <stdlib.h>\n"                                               /* 1 */
    "static inline __attribute__((always_inline)) void inner(void) {\n"   /* 2 */
    "    __asm__ volatile(\".globl spot\\nspot: nop\");\n"                /* 3 */
    "}\n"                                                                 /* 4 */
    "static inline __attribute__((always_inline)) void middle(int n) {\n" /* 5 */
    "    if (n > 1)\n"                                                    /* 6 */
    "        inner();\n"                                                  /* 7 */
    "}\n"                                                                 /* 8 */
    "__attribute__((noinline)) void outer(int n) { middle(n); }\n"        /* 9 */
    "__attribute__((noinline)) static void hidden(void) {\n"              /* 10 */
    "    __asm__ volatile(\".globl secret\\nsecret: nop\");\n"            /* 11 */
    "}\n"                                                                 /* 12 */
    "__attribute__((noinline)) void last_words(void) { abort(); }\n"      /* 13 */
    "int main(int c, char **v) { (void)v; outer(c); hidden(); if (c > 5) last_words(); return 0; }\n";

static const char source_cpp[] =
    "namespace shop {\n"
    "template <class T> struct Basket {\n"
    "    __attribute__((noinline)) void add(T, int) { __asm__ volatile(\".globl in_add\\nin_add: nop\"); }\n"
    "};\n"
    "namespace {\n"
    "struct Till { static inline __attribute__((always_inline)) void ring() {\n"
    "    __asm__ volatile(\".globl in_ring\\nin_ring: nop\"); } };\n"
    "__attribute__((noinline)) void pay() { Till::ring(); }\n"
    "}\n"
    "}\n"
    "int main() { shop::Basket<long> b; b.add(1, 2); shop::pay(); }\n";

/* Helpers. */

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...) {
    char command[2000] = "cd ";
    va_list arguments;
    strcat(strcat(command, folder), " && ");
    va_start(arguments, format);
    vsnprintf(command + strlen(command), sizeof command - strlen(command), format, arguments);
    va_end(arguments);
    if (system(command) != 0) fail_msg("failed: %s", command);
}

static const char *path_of(const char *name) {
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t size) {
    FILE *out = fopen(path_of(name), "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    fclose(out);
}

/* The line that a command prints. */
static char *printed(const char *format, const char *a, const char *b) {
    static char line[500];
    char command[500];
    snprintf(command, sizeof command, format, a, b);
    FILE *in = popen(command, "r");
    if (!fgets(line, sizeof line, in)) line[0] = 0;
    pclose(in);
    line[strcspn(line, "\n")] = 0;
    return line;
}

static uint64_t address_of(const char *file, const char *symbol) {
    uint64_t address = strtoull(printed("nm %s | grep ' %s$'", path_of(file), symbol), NULL, 16);
    assert_true(address);
    return address;
}

struct build_id {
    uint8_t bytes[20];
};

static struct build_id build_id_of(const char *file) {
    struct build_id id;
    const char *hex = printed("readelf -n %s 2>/dev/null | sed -n 's/.*Build ID: //p'%s", path_of(file), "");
    assert_int_equal(strlen(hex), 40);
    for (size_t i = 0; i < sizeof id.bytes; i++) sscanf(hex + 2 * i, "%2hhx", &id.bytes[i]);
    return id;
}

static int make_programs(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    write_file("p.c", source_c, sizeof source_c - 1);
    write_file("q.cpp", source_cpp, sizeof source_cpp - 1);
    shell("gcc -g -O2 -Wl,--build-id p.c -o full && g++ -g -O2 q.cpp -o cpp");
    shell("gcc -O2 -Wl,--build-id p.c -o symtab && gcc -O2 -rdynamic -Wl,--build-id p.c -o bare && cp bare bare.full "
          "&& strip bare");
    shell("cp full stripped && objcopy --only-keep-debug full full.debug && strip stripped && objcopy "
          "--add-gnu-debuglink=full.debug stripped");
    return 0;
}

static int remove_programs(void **state) {
    (void)state;
    shell("rm -r %s", folder);
    return 0;
}

static struct symbols *opened(const struct symbol_options *options, const char *path, const struct build_id *id,
                              uint64_t bias) {
    struct symbols *symbols;
    assert_int_equal(symbols_open(&symbols, options), 0);
    struct symbol_module module = {.id = 1, .path = path, .bias = bias};
    if (id) {
        module.build_id = id->bytes;
        module.build_id_length = sizeof id->bytes;
    }
    assert_int_equal(symbols_add_module(symbols, 0, &module), 0);
    return symbols;
}

struct expected {
    const char *function;
    const char *file;
    int64_t line;
    bool inlined;
};

static void check_frames(struct symbols *symbols, uint64_t address, const struct expected *expected, size_t count) {
    const struct symbol_frame *frames;
    assert_int_equal(symbols_resolve(symbols, 0, 1, address, false, &frames), count);
    for (size_t i = 0; i < count; i++) {
        if (!expected[i].function) assert_null(frames[i].function);
        else assert_string_equal(frames[i].function, expected[i].function);
        if (!expected[i].file) assert_null(frames[i].file);
        else assert_string_equal(frames[i].file, path_of(expected[i].file));
        assert_int_equal(frames[i].line, expected[i].line);
        assert_int_equal(frames[i].inlined, expected[i].inlined);
    }
}

static const struct expected at_spot[] = {
    {"inner", "p.c", 3, true}, {"middle", "p.c", 7, true}, {"outer", "p.c", 9, false}};

/* DWARF. */

static void inlined_frames_with_lines(void **state) {
    (void)state;
    const uint64_t bias = 0x7f1234000000;
    const struct build_id id = build_id_of("full");
    struct symbols *symbols = opened(NULL, path_of("full"), &id, bias);
    check_frames(symbols, bias + address_of("full", "spot"), at_spot, 3);
    const struct symbol_frame *frames;
    symbols_resolve(symbols, 0, 1, bias + address_of("full", "spot"), false, &frames);
    assert_string_equal(frames[0].module, "full");
    assert_int_equal(frames[2].offset, address_of("full", "spot"));
    assert_null(symbols_doubts(symbols)[0]);
    symbols_close(symbols);
}

/* abort() does not return, so the return address lies behind the function. */
static void return_address_means_the_call(void **state) {
    (void)state;
    struct symbols *symbols = opened(NULL, path_of("full"), NULL, 0);
    uint64_t start = address_of("full", "last_words");
    char *size = printed("nm -S %s | awk '/ %s$/ {print $2}'", path_of("full"), "last_words");
    uint64_t end = start + strtoull(size, NULL, 16);
    const struct symbol_frame *frames;
    symbols_resolve(symbols, 0, 1, end, true, &frames);
    assert_string_equal(frames[0].function, "last_words");
    assert_int_equal(frames[0].line, 13);
    symbols_close(symbols);
}

static void cpp_names_are_qualified(void **state) {
    (void)state;
    struct symbols *symbols = opened(NULL, path_of("cpp"), NULL, 0);
    const struct symbol_frame *frames;
    assert_int_equal(symbols_resolve(symbols, 0, 1, address_of("cpp", "in_add"), false, &frames), 1);
    assert_string_equal(frames[0].function, "shop::Basket<long>::add");
    assert_int_equal(symbols_resolve(symbols, 0, 1, address_of("cpp", "in_ring"), false, &frames), 2);
    assert_string_equal(frames[0].function, "shop::(anonymous namespace)::Till::ring");
    assert_string_equal(frames[1].function, "shop::(anonymous namespace)::pay");
    symbols_close(symbols);
}

/* One file has one name, whatever way led to it. */
static void source_paths_are_tidy(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"/a/b.c", "/a/b.c"},
        {"/a/tests/cli/../../src/b.c", "/a/src/b.c"},
        {"/a/./b//c.c", "/a/b/c.c"},
        {"../csu/start.c", "../csu/start.c"},
        {"../../x/../y.c", "../../y.c"},
        {"/../../a.c", "/a.c"},
        {"./a.c", "a.c"},
        {"a/..", ""},
        {"", ""},
        {"/", "/"},
        {"a/b/../../../c.c", "../c.c"},
        {"/a/..b/...c", "/a/..b/...c"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s", pairs[i][0]);
        source_path_tidy(path);
        assert_string_equal(path, pairs[i][1]);
    }
}

static void names_without_defaults(void **state) {
    (void)state;
    static const struct {
        const char *symbol, *name;
    } rows[] = {
        {"_ZNSt6vectorINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS5_EE9push_backEOS5_",
         "std::vector<std::string>::push_back"},
        {"_ZNSt3mapIiSt6vectorIiSaIiEESt4lessIiESaISt4pairIKiS2_EEEixERS6_",
         "std::map<int, std::vector<int>>::operator[]"},
        {"_ZN1AISt6vectorIS0_IiSaIiEESaIS1_EEE1fEv", "A<std::vector<std::vector<int>>>::f"},
        {"_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"},
        {"_RNvC6_123foo3bar", "123foo::bar"},
        {"main.constprop.0", "main"},
        {"malloc@@GLIBC_2.2.5", "malloc"},
        {"_Z", "_Z"},
        {"plain", "plain"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *name = demangle(rows[i].symbol);
        assert_string_equal(name, rows[i].name);
        free(name);
    }
}

/* Separate and missing debug information. */

static void debuglink_is_followed(void **state) {
    (void)state;
    struct symbols *symbols = opened(NULL, path_of("stripped"), NULL, 0);
    check_frames(symbols, address_of("full", "spot"), at_spot, 3);
    symbols_close(symbols);
}

/* The program itself is gone; its debug file under the debug path is enough. */
static void build_id_tree_is_searched(void **state) {
    (void)state;
    const struct build_id id = build_id_of("full");
    char tree[300];
    snprintf(tree, sizeof tree, "%s/tree", folder);
    shell("mkdir -p tree/.build-id/%02x && cp full.debug tree/.build-id/%02x/$(readelf -n full 2>/dev/null | sed -n "
          "'s/.*Build ID: ..//p').debug",
          id.bytes[0], id.bytes[0]);
    const char *const paths[] = {tree};
    struct symbols *symbols =
        opened(&(struct symbol_options){.debug_paths = paths, .debug_path_count = 1}, "/gone/full", &id, 0);
    check_frames(symbols, address_of("full", "spot"), at_spot, 3);
    symbols_close(symbols);
}

static void sysroot_is_searched(void **state) {
    (void)state;
    const struct build_id id = build_id_of("full");
    shell("mkdir -p root/opt && cp full root/opt/full");
    char root[300];
    snprintf(root, sizeof root, "%s/root", folder);
    struct symbols *symbols = opened(&(struct symbol_options){.sysroot = root}, "/opt/full", &id, 0);
    check_frames(symbols, address_of("full", "spot"), at_spot, 3);
    symbols_close(symbols);
}

static void symbol_table_without_debug_information(void **state) {
    (void)state;
    struct symbols *symbols = opened(NULL, path_of("symtab"), NULL, 0);
    check_frames(symbols, address_of("symtab", "outer"), &(struct expected){.function = "outer"}, 1);
    symbols_close(symbols);
}

/* A static function of a stripped file must not get the name of the exported one before it. */
static void stripped_functions_are_not_guessed(void **state) {
    (void)state;
    struct symbols *symbols = opened(NULL, path_of("bare"), NULL, 0);
    check_frames(symbols, address_of("bare.full", "hidden"), &(struct expected){0}, 1);
    check_frames(symbols, address_of("bare.full", "outer"), &(struct expected){.function = "outer"}, 1);
    assert_non_null(strstr(symbols_doubts(symbols)[0], "bare has no symbols for 1 of 2 addresses"));
    symbols_close(symbols);
}

static void other_build_is_reported_not_used(void **state) {
    (void)state;
    const struct build_id id = build_id_of("symtab");
    struct symbols *symbols = opened(NULL, path_of("full"), &id, 0);
    check_frames(symbols, address_of("full", "spot"), &(struct expected){0}, 1);
    const char *const *doubts = symbols_doubts(symbols);
    assert_non_null(strstr(doubts[0], "full is another build"));
    assert_null(doubts[1]);
    symbols_close(symbols);
}

static void missing_module_is_reported_once_asked(void **state) {
    (void)state;
    struct symbols *symbols = opened(NULL, "/gone/libgone.so", NULL, 0);
    assert_null(symbols_doubts(symbols)[0]);
    check_frames(symbols, 0x1000, &(struct expected){0}, 1);
    assert_non_null(strstr(symbols_doubts(symbols)[0], "libgone.so is not here"));
    symbols_close(symbols);
}

static void vdso_is_read_from_memory(void **state) {
    (void)state;
    struct symbols *symbols = opened(NULL, "linux-vdso.so.1", NULL, 0);
    const struct symbol_frame *frames;
    symbols_resolve(symbols, 0, 1, 0x700, false, &frames);
    const char *doubt = symbols_doubts(symbols)[0];
    assert_true(!doubt || (!strstr(doubt, "not here") && !strstr(doubt, "could not be read")));
    symbols_close(symbols);
}

/* Hostile files. */

static uint32_t random_state = 12345;
static uint32_t random_below(uint32_t limit) {
    random_state = random_state * 1664525u + 1013904223u; /* Numerical Recipes */
    return (uint32_t)(((uint64_t)random_state * limit) >> 32);
}

static char *read_whole(const char *name, size_t *size) {
    FILE *in = fopen(path_of(name), "r");
    assert_non_null(in);
    char *bytes = malloc(1 << 20);
    *size = fread(bytes, 1, 1 << 20, in);
    fclose(in);
    return bytes;
}

/* Whatever is in the file, the answer is at least one frame and this process lives. */
static void damaged_files_cost_names_only(void **state) {
    (void)state;
    enum { FILES = 120, FLIPS = 40 };
    size_t size;
    char *good = read_whole("full", &size), *bad = malloc(size);
    uint64_t spot = address_of("full", "spot");
    for (int i = 0; i < FILES; i++) {
        memcpy(bad, good, size);
        for (int k = 0; k < FLIPS; k++) bad[random_below((uint32_t)size)] = (char)random_below(256);
        write_file("damaged", bad, i % 4 ? size : random_below((uint32_t)size));
        struct symbols *symbols = opened(NULL, path_of("damaged"), NULL, 0);
        const struct symbol_frame *frames;
        assert_true(symbols_resolve(symbols, 0, 1, spot, false, &frames) >= 1);
        assert_true(symbols_resolve(symbols, 0, 1, UINT64_MAX, true, &frames) >= 1);
        symbols_close(symbols);
    }
    free(good);
    free(bad);
}

/* A reader that dies makes its image bad and leaves the others as they were. */
static void death_of_the_reader_is_survived(void **state) {
    (void)state;
    struct symbols *symbols = opened(NULL, path_of("full"), NULL, 0);
    uint64_t spot = address_of("full", "spot");
    const struct symbol_frame *frames;
    symbols_add_module(symbols, 0, &(struct symbol_module){.id = 2, .path = path_of("cpp")});
    assert_int_equal(symbols_resolve(symbols, 0, 1, spot, false, &frames), 3);
    char command[100];
    snprintf(command, sizeof command, "kill -9 $(pgrep -P %d -x test_symbols)", getpid());
    assert_int_equal(system(command), 0);
    symbols_resolve(symbols, 0, 1, spot + 1, false, &frames);
    assert_null(frames[0].function);
    assert_non_null(strstr(symbols_doubts(symbols)[0], "full could not be read"));
    symbols_resolve(symbols, 0, 2, address_of("cpp", "in_add"), false, &frames);
    assert_string_equal(frames[0].function, "shop::Basket<long>::add");
    symbols_close(symbols);
}

/* JIT. */

static void perf_map_names_code_without_module(void **state) {
    (void)state;
    static const char map[] =
        "7f00 100 js:first\nnonsense\n8000 10 js:second one\n7f00 80 js:moved\nffffffffffffffff 2 js:overflow\n";
    struct symbols *symbols = opened(NULL, path_of("full"), NULL, 0);
    const struct symbol_frame *frames;
    write_file("perf.map", map, sizeof map - 1);
    assert_int_equal(symbols_add_perf_map(symbols, 3, path_of("perf.map"), UINT64_MAX), -ESTALE);
    assert_int_equal(symbols_add_perf_map(symbols, 3, path_of("perf.map"), 0), 0);
    symbols_resolve(symbols, 3, 0, 0x7f90, false, &frames);
    assert_string_equal(frames[0].function, "js:first");
    symbols_resolve(symbols, 3, 0, 0x7f10, false, &frames);
    assert_string_equal(frames[0].function, "js:moved");
    symbols_resolve(symbols, 3, 0, 0x8010, true, &frames);
    assert_string_equal(frames[0].function, "js:second one");
    symbols_resolve(symbols, 3, 0, 0x8010, false, &frames);
    assert_null(frames[0].function);
    symbols_resolve(symbols, 2, 0, 0x7f90, false, &frames);
    assert_null(frames[0].function);
    symbols_close(symbols);
}

/* Call sites. */

static void call_site_skips_wrappers(void **state) {
    (void)state;
    static const struct {
        struct symbol_frame frames[5];
        size_t count, site;
    } rows[] = {
        {{{.function = "operator new", .module = "libstdc++.so.6"}, {.function = "make", .module = "app"}}, 2, 1},
        {{{.function = "std::__new_allocator<int>::allocate", .module = "app"},
          {.function = "std::vector<int>::push_back", .module = "app"},
          {.function = "Cart::add", .module = "app"}},
         3,
         2},
        {{{.function = "__GI___strdup", .module = "libc.so.6"},
          {.function = "xstrdup", .module = "app"},
          {.function = "parse", .module = "app"}},
         3,
         2},
        {{{.function = "session_alloc", .module = "app"}, {.function = "main", .module = "app"}}, 2, 0},
        {{{.function = "leak_by_realloc", .module = "app"}, {.function = "main", .module = "app"}}, 2, 0},
        {{{.function = NULL, .module = "app"}, {.function = "main", .module = "app"}}, 2, 0},
        {{{.function = "operator new", .module = "libstdc++.so.6"},
          {.function = "pool", .module = "libstdc++.so.6"},
          {.function = "call_init", .module = "ld-linux-x86-64.so.2"},
          {.function = "_dl_start_user", .module = "ld-linux-x86-64.so.2"}},
         4,
         1},
        {{{.function = "malloc", .module = "libtrace.so"}}, 1, 0},
        {{{.function = NULL, .module = "libx.so.1"}, /* stripped, but for what it exports */
          {.function = "xmalloc", .module = "libx.so.1"},
          {.function = NULL, .module = "libx.so.1"},
          {.function = "x_open", .module = "libx.so.1"},
          {.function = "main", .module = "app"}},
         5,
         3},
        {{{.function = NULL, .module = "plugin.so"}, {.function = "x_loop", .module = "libx.so.1"}}, 2, 0},
        {{{.function = "os::malloc", .module = "libjvm.so"},
          {.function = "AllocateHeap", .module = "libjvm.so"},
          {.function = "Dictionary::add_klass", .module = "libjvm.so"}},
         3,
         2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (call_site(rows[i].frames, rows[i].count, NULL) != rows[i].site) fail_msg("row %zu", i);
    const char *const globs[] = {"session_*"};
    assert_int_equal(call_site(rows[3].frames, 2, &(struct wrapper_set){globs, 1}), 1);
}

/* What a rebuild changes and what it does not. */
static void site_id_survives_a_rebuild(void **state) {
    (void)state;
    const struct symbol_frame before[] = {{"f", "/old/f.c", 10, "app", 0x10, true},
                                          {"g", NULL, 0, "libx.so.1.2", 0x10, false}};
    const struct symbol_frame after[] = {{"f", "/new/f.c", 12, "app", 0x99, true},
                                         {"g", "/g.c", 3, "libx.so.1.3", 0x98, false}};
    const struct symbol_frame other[] = {{"f", "/old/f.c", 10, "app", 0x10, false},
                                         {"g", NULL, 0, "libx.so.1.2", 0x10, false}};
    const struct symbol_frame joined_names[] = {{"fa", NULL, 0, "pp", 0, true},
                                                {"g", NULL, 0, "libx.so.1.2", 0x10, false}};
    char a[SITE_ID_SIZE], b[SITE_ID_SIZE];
    site_id(before, 2, a);
    assert_int_equal(strlen(a), SITE_ID_SIZE - 1);
    site_id(after, 2, b);
    assert_string_equal(a, b);
    site_id(other, 2, b);
    assert_string_not_equal(a, b);
    site_id(joined_names, 2, b);
    assert_string_not_equal(a, b);
    site_id(before, 1, b);
    assert_string_not_equal(a, b);
}

static size_t fold_names(const char *names, char *result) {
    struct symbol_frame frames[32];
    char texts[32][2];
    size_t count = strlen(names);
    for (size_t i = 0; i < count; i++) {
        texts[i][0] = names[i];
        texts[i][1] = 0;
        frames[i] = (struct symbol_frame){.function = texts[i], .module = "app"};
    }
    count = site_fold(frames, count);
    for (size_t i = 0; i < count; i++) result[i] = frames[i].function[0];
    result[count] = 0;
    return count;
}

static void recursion_is_folded(void **state) {
    (void)state;
    static const struct {
        const char *names, *folded;
    } rows[] = {{"leafffm", "leafm"}, {"ababab", "ab"}, {"xabcabcm", "xabcm"},
                {"abc", "abc"},       {"", ""},         {"fffffffffm", "fm"}};
    char result[33];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fold_names(rows[i].names, result);
        assert_string_equal(result, rows[i].folded);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inlined_frames_with_lines),
        cmocka_unit_test(return_address_means_the_call),
        cmocka_unit_test(cpp_names_are_qualified),
        cmocka_unit_test(source_paths_are_tidy),
        cmocka_unit_test(names_without_defaults),
        cmocka_unit_test(debuglink_is_followed),
        cmocka_unit_test(build_id_tree_is_searched),
        cmocka_unit_test(sysroot_is_searched),
        cmocka_unit_test(symbol_table_without_debug_information),
        cmocka_unit_test(stripped_functions_are_not_guessed),
        cmocka_unit_test(other_build_is_reported_not_used),
        cmocka_unit_test(missing_module_is_reported_once_asked),
        cmocka_unit_test(vdso_is_read_from_memory),
        cmocka_unit_test(damaged_files_cost_names_only),
        cmocka_unit_test(death_of_the_reader_is_survived),
        cmocka_unit_test(perf_map_names_code_without_module),
        cmocka_unit_test(call_site_skips_wrappers),
        cmocka_unit_test(site_id_survives_a_rebuild),
        cmocka_unit_test(recursion_is_folded),
    };
    return cmocka_run_group_tests(tests, make_programs, remove_programs);
}
