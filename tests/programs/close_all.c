/* expect: 0; case: close_from; args: from; sees: 60001x20000 */
/* expect: 0; case: close_each; args: each; sees: 60001x20000 */
/* expect: 0; case: close_threads; args: from threads; sees: 60001x20000 */
/* expect: 0; case: dup_over; args: dup; sees: 60001x20000 */
/*
 * Every descriptor is closed, or replaced, and its number used for the program's own files, which nobody else may
 * write.
 */
#include "target.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define FILES 40
static int files[FILES];

static int make(int number) {
    char name[64];
    snprintf(name, sizeof name, "own.%d", number);
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && pwrite(fd, &number, sizeof number, 0) == sizeof number);
    return fd;
}

static void take_numbers(const char *how) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    int most = limit.rlim_cur > 4096 ? 4096 : (int)limit.rlim_cur;
    if (!strcmp(how, "from")) closefrom(3);
    if (!strcmp(how, "each"))
        for (int fd = 3; fd < most; fd++) close(fd);
    for (int i = 0; i < FILES; i++) files[i] = make(i);
    if (strcmp(how, "dup")) return;
    for (int fd = 3 + FILES; fd < (int)limit.rlim_cur; fd += fd < 2048 ? 1 : 97) CHECK(dup2(files[0], fd) == fd);
    CHECK(dup2(files[0], (int)limit.rlim_cur - 1) >= 0);
}

int main(int argc, char **argv) {
    blocks(60002, 1000);
    if (argc > 2) churn_start(2);
    take_numbers(argv[1]);
    blocks(60001, 20000);
    blocks(700, 300000);
    if (argc > 2) churn_end(2);
    for (int i = 0; i < FILES; i++) {
        struct stat about;
        int number = -1;
        CHECK(!fstat(files[i], &about) && about.st_size == sizeof number);
        CHECK(pread(files[i], &number, sizeof number, 0) == sizeof number && number == i);
        CHECK(lseek(files[i], 0, SEEK_CUR) == 0);
    }
    /*
     * A hook of each of the other two threads may reopen the trace just then, and hold the lowest number for a moment.
     */
    bool moved = argc > 2 && files[0] > 3 && files[0] <= 3 + 2;
    printf("files are whole, the first is %d\n", moved ? 3 : files[0]);
    return 0;
}
