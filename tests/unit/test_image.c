/* links: preload/image.c preload/sys.c libs: -ldl */
/*
 * A library mapped without the loader computes what the same source computes, and the loader does not know of it.
 */
#include "preload/image.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Data with addresses in it, zeros beyond the file, a call that we give and one that we do not. */
static const char source[] = "extern int given(int); extern int unknown(void);\n"
                             "static int five = 5; int *pointer = &five; int zeros[50000];\n"
                             "const char *const names[] = {\"a\", \"b\", \"c\"}; const char *const *last = &names[2];\n"
                             "int call(int x) { zeros[49999] += x; return 1000 * given(x) + *pointer * 100 +\n"
                             "                  zeros[49999] * 10 + (**last - 'a') + 100000 * unknown(); }\n"
                             "int other(void) { return call(0); }\n";

static char folder[] = "/tmp/tidemark-image-XXXXXX";

static int twice(int value) { return 2 * value; }
static int minus_one(void) { return -1; }
static const struct image_import imports[] = {{"given", (void (*)(void))twice}, {NULL, (void (*)(void))minus_one}};

static const char *path_of(const char *name) {
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static bool compile(const char *name, const char *flags) {
    char command[600];
    snprintf(command, sizeof command, "cc -shared -fPIC -O1 %s -o %s/%s %s/source.c 2>/dev/null", flags, folder, name,
             folder);
    return system(command) == 0;
}

static int load(const char *name, int (**call)(int)) {
    int (*other)(void);
    const struct image_export exports[] = {{"call", call}, {"other", &other}};
    return image_load(path_of(name), imports, exports, 2);
}

static void computes(const char *name) {
    int (*call)(int) = NULL;
    Dl_info info;
    assert_int_equal(load(name, &call), 0);
    assert_int_equal(call(3), 6000 + 500 + 30 + 2 - 100000);
    assert_int_equal(call(1), 2000 + 500 + 40 + 2 - 100000);
    assert_int_equal(dladdr((void *)(uintptr_t)call, &info), 0);
}

static void plain(void **state) {
    (void)state;
    assert_true(compile("plain.so", ""));
    computes("plain.so");
}

static void eager_with_data_beside_text(void **state) {
    (void)state;
    assert_true(compile("eager.so", "-Wl,-z,now -Wl,-z,noseparate-code -fno-plt"));
    computes("eager.so");
}

static void packed_relocations(void **state) {
    (void)state;
    if (!compile("packed.so", "-Wl,-z,pack-relative-relocs")) skip();
    computes("packed.so");
}

static void missing_name(void **state) {
    (void)state;
    int (*call)(int);
    const struct image_export exports[] = {{"call", &call}, {"nothing_like_it", &call}};
    assert_int_equal(image_load(path_of("plain.so"), imports, exports, 2), -ENOEXEC);
}

static void no_library(void **state) {
    (void)state;
    int (*call)(int);
    assert_int_equal(load("absent.so", &call), -ENOENT);
    assert_int_equal(load("source.c", &call), -ENOEXEC);
    assert_int_equal(truncate(path_of("plain.so"), 9000), 0);
    assert_int_equal(load("plain.so", &call), -ENOEXEC);
    assert_int_equal(truncate(path_of("plain.so"), 40), 0);
    assert_int_equal(load("plain.so", &call), -ENOEXEC);
}

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    FILE *file = fopen(path_of("source.c"), "w");
    if (!file) return -1;
    fputs(source, file);
    return fclose(file);
}

static int take_down(void **state) {
    (void)state;
    char command[200];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain), cmocka_unit_test(eager_with_data_beside_text),
                                       cmocka_unit_test(packed_relocations), cmocka_unit_test(missing_name),
                                       cmocka_unit_test(no_library)};
    return cmocka_run_group_tests(tests, set_up, take_down);
}
