/* links: preload/maps.c preload/sys.c */
/*
 * Lines as proc_pid_maps(5) describes them, read through a file: what a look at memory goes by.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "include/trace_format.h"
#include "preload/maps.h"

#define LINES_MOST 8000u

static struct maps_reader reader;
static struct maps_line *lines;
static size_t count;

static void keep(const struct maps_line *line) {
    assert_true(count < LINES_MOST);
    lines[count++] = *line;
}

static bool read_text(const char *text, size_t length) {
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    rewind(file);
    count = 0;
    bool whole = maps_read(&reader, fileno(file), keep);
    fclose(file);
    return whole;
}

static void expect_name(const struct maps_line *line, const char *name) {
    assert_int_equal(line->length, strlen(name));
    assert_memory_equal(line->name, name, strlen(name));
}

static void test_fields(void **state) {
    (void)state;
    static const char text[] = "00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/dbus daemon (deleted)\n"
                               "7f0a1c000000-7f0a1c021000 rw-p 00000000 00:00 0 \n"
                               "7f0a1c021000-7f0a20000000 ---p 00000000 00:00 0\n"
                               "7ffd1b3e9000-7ffd1b40a000 rw-s 00000000 00:05 77                          [stack]\n";
    assert_true(read_text(text, sizeof text - 1));
    assert_int_equal(count, 4);
    assert_int_equal(lines[0].start, 0x400000);
    assert_int_equal(lines[0].end, 0x452000);
    assert_int_equal(lines[0].flags, TRACE_MAP_READ | TRACE_MAP_EXECUTE);
    expect_name(&lines[0], "/usr/bin/dbus daemon (deleted)");
    assert_int_equal(lines[1].start, 0x7f0a1c000000);
    assert_int_equal(lines[1].flags, TRACE_MAP_READ | TRACE_MAP_WRITE);
    expect_name(&lines[1], "");
    assert_int_equal(lines[2].flags, 0);
    expect_name(&lines[2], "");
    assert_int_equal(lines[3].flags, TRACE_MAP_READ | TRACE_MAP_WRITE | TRACE_MAP_SHARED);
    expect_name(&lines[3], "[stack]");
}

/* Lines longer than a name may be, and so many that they lie across what is read at once. */
static void test_lengths(void **state) {
    (void)state;
    char *text = NULL, name[3000];
    size_t length = 0, made = 0;
    FILE *out = open_memstream(&text, &length);
    for (; made < 40; made++) {
        size_t long_as = made * 73 + 1;
        memset(name, 'a' + (int)(made % 26), long_as);
        name[long_as] = 0;
        fprintf(out, "%zx000-%zx000 r--p 00000000 00:00 1 /%s\n", made + 1, made + 2, name);
    }
    fclose(out);
    assert_true(read_text(text, length));
    assert_int_equal(count, made);
    for (size_t i = 0; i < made; i++) {
        assert_int_equal(lines[i].start, (i + 1) << 12);
        assert_int_equal(lines[i].end, (i + 2) << 12);
        assert_int_equal(lines[i].length, i * 73 + 2 < MAPS_NAME_MOST ? i * 73 + 2 : MAPS_NAME_MOST);
        assert_int_equal(lines[i].name[lines[i].length - 1], 'a' + (int)(i % 26));
    }
    free(text);
}

/* A reader that was used before, by a file that ended within a line, begins anew. */
static void test_cut(void **state) {
    (void)state;
    assert_true(read_text("1000-2000 rwxp 00000000 00:00 0   /half", 39));
    assert_int_equal(count, 0);
    assert_true(read_text("3000-4000 r--p 00000000 00:00 0\n", 32));
    assert_int_equal(count, 1);
    assert_int_equal(lines[0].start, 0x3000);
    assert_int_equal(lines[0].flags, TRACE_MAP_READ);
    expect_name(&lines[0], "");
}

static void test_unreadable(void **state) {
    (void)state;
    int directory = open("/", O_RDONLY | O_DIRECTORY);
    assert_true(directory >= 0);
    count = 0;
    assert_false(maps_read(&reader, directory, keep));
    assert_int_equal(count, 0);
    close(directory);
}

/* The file that it is for: all of it, and this function's code is in it. */
static void test_own(void **state) {
    (void)state;
    int fd = open("/proc/self/maps", O_RDONLY);
    bool found = false;
    count = 0;
    assert_true(maps_read(&reader, fd, keep));
    close(fd);
    for (size_t i = 0; i < count; i++) {
        assert_true(lines[i].start < lines[i].end && (i == 0 || lines[i - 1].end <= lines[i].start));
        if (lines[i].start <= (uintptr_t)test_own && (uintptr_t)test_own < lines[i].end)
            found = (lines[i].flags & (TRACE_MAP_READ | TRACE_MAP_EXECUTE)) == (TRACE_MAP_READ | TRACE_MAP_EXECUTE);
    }
    assert_true(found);
}

int main(void) {
    lines = calloc(LINES_MOST, sizeof *lines);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),     cmocka_unit_test(test_lengths), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_unreadable), cmocka_unit_test(test_own),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(lines);
    return failed;
}
