/* libs: -lz */
/*
 * Watching a program's output: what is opened, and that nothing of the caller's is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "launch/output.h"

static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

/* The lowest descriptors are the caller's, whatever the structure held before it was set up. */
static void bad_pattern_closes_nothing(void **state) {
    (void)state;
    struct place place = {.file = "/nowhere/t.tmk", .children = "/nowhere/t.tmk.d"};
    struct output *output = NULL;
    const char *problem = NULL;
    int spare = dup(STDOUT_FILENO), saved = dup(STDIN_FILENO), null = open("/dev/null", O_RDONLY);
    assert_int_equal(dup2(null, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(output_open("(", true, &place, &output, &problem), -EINVAL);
    assert_non_null(problem);
    assert_null(output);
    bool kept = is_open(STDIN_FILENO);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(spare);
    close(null);
    assert_true(kept);
}

static void a_preset_goes_through_a_pipe(void **state) {
    (void)state;
    struct place place = {.file = "/nowhere/t.tmk", .children = "/nowhere/t.tmk.d"};
    static const struct {
        const char *pattern;
        bool pty, terminal;
    } cases[] = {{"gtest", true, false}, {"^round (.*)", true, true}, {"^round (.*)", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct output *output = NULL;
        const char *problem = NULL;
        assert_int_equal(output_open(cases[i].pattern, cases[i].pty, &place, &output, &problem), 0);
        int fd = output_child_fd(output);
        assert_int_equal(isatty(fd), cases[i].terminal);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        output_close(output);
        assert_false(is_open(fd));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_pattern_closes_nothing),
        cmocka_unit_test(a_preset_goes_through_a_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
