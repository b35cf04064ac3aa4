/*
 * Names as outputs may hold them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/printable.h"

static const struct sample {
    const char *text, *shown;
} samples[] = {
    {"", ""},
    {"std::vector<int>::push_back", "std::vector<int>::push_back"},
    {"größe 大小 🙂", "größe 大小 🙂"},
    {"a\tb\nc\rd\x7f", "a\\x09b\\x0ac\\x0dd\\x7f"},
    {"\033[31mred", "\\x1b[31mred"},
    {"\xc2\x9b"
     "31m",
     "\\x9b31m"},
    {"\x9b"
     "31m",
     "\xef\xbf\xbd"
     "31m"},
    {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xe2\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"if\xe2\x80\xae\xe2\x81\xa6x", "if\\u{202e}\\u{2066}x"},
    {"\xf3\xa0\x81\x81", "\\u{e0041}"},
    {"x ##[error]y", "x \\x23#[error]y"},
    {"## [ok] #[derive]", "## [ok] #[derive]"},
    {"\\x1b", "\\x1b"},
};
enum { SAMPLES = sizeof samples / sizeof *samples };

static void check(const char *text, size_t length, size_t most, const char *shown) {
    char *clean = printable(text, length, most);
    assert_string_equal(clean, shown);
    char *again = printable(clean, strlen(clean), SIZE_MAX / 8);
    assert_string_equal(again, clean);
    free(again);
    free(clean);
}

static void test_samples(void **state) {
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) check(samples[i].text, strlen(samples[i].text), 4096, samples[i].shown);
}

static void test_zeros_and_cut_characters(void **state) {
    (void)state;
    check("a\0b", 3, 4096, "a\\x00b");
    check("a\xe2\x80\xa6", 3, 4096, "a\xef\xbf\xbd\xef\xbf\xbd"); /* nothing behind the end is read */
}

static void test_long_names_end_with_an_ellipsis(void **state) {
    (void)state;
    check("abcdef", 6, 6, "abcdef");
    check("abcdef", 6, 4, "abcd\xe2\x80\xa6");
    check("ab\xc3\xb6gh", 6, 3, "ab\xe2\x80\xa6"); /* not within a character */
}

static void test_growth_is_what_the_header_promises(void **state) {
    char out[PRINTABLE_GROWTH * 4 + 1];
    (void)state;
    for (uint32_t bytes = 0; bytes < 1u << 24; bytes += 251) {
        const char text[4] = {(char)bytes, (char)(bytes >> 8), (char)(bytes >> 16), '['};
        size_t length = printable_put(out, text, sizeof text);
        assert_true(length <= PRINTABLE_GROWTH * sizeof text);
        assert_int_equal(strlen(out), length);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_zeros_and_cut_characters),
        cmocka_unit_test(test_long_names_end_with_an_ellipsis),
        cmocka_unit_test(test_growth_is_what_the_header_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
