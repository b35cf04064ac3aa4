/* expect: 0; sees: 48001x40000 */
/*
 * A thread takes a descriptor table of its own, closes all of it but stderr and opens files on the same numbers, as
 * others go on with the old table: whoever writes the trace from that thread finds it, and the files stay as they are.
 */
#include "target.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

enum { FILES = 200, BLOCKS = 20000 };

static void check_files(const int *fds) {
    for (int i = 0; i < FILES; i++) {
        char content[8] = {0};
        CHECK(pread(fds[i], content, sizeof content, 0) == 4 && !memcmp(content, "mine", 4));
        CHECK(close(fds[i]) == 0);
    }
}

static void *apart(void *argument) {
    int fds[FILES];
    CHECK(unshare(CLONE_FILES) == 0);
    CHECK(close_range(3, ~0u, 0) == 0);
    for (int i = 0; i < FILES; i++) {
        char name[] = "/tmp/tidemark-apart-XXXXXX";
        fds[i] = mkstemp(name);
        CHECK(fds[i] >= 0 && unlink(name) == 0 && write(fds[i], "mine", 4) == 4);
    }
    blocks(48001, BLOCKS);
    check_files(fds);
    return argument;
}

int main(void) {
    pthread_t thread;
    blocks(48001, BLOCKS / 2);
    CHECK(!pthread_create(&thread, NULL, apart, NULL));
    blocks(48001, BLOCKS / 2);
    CHECK(!pthread_join(thread, NULL));
    return 0;
}
