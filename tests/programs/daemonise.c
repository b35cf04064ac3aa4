/* expect: 0; sees: 46001x1000 46002x1 */
/*
 * daemon(3): the process forks, its parent ends, descriptors go; whoever waits for the pipe to close must not wait for
 * us.
 */
#include "target.h"
#include <sys/wait.h>

int main(void) {
    int ends[2];
    CHECK(!pipe(ends));
    blocks(46002, 1);
    pid_t child = fork();
    if (!child) {
        close(ends[0]);
        CHECK(!daemon(0, 0));
        blocks(46001, 1000);
        CHECK(write(ends[1], "from the daemon\n", 16) == 16);
        exit(0);
    }
    close(ends[1]);
    char text[100];
    for (ssize_t length; (length = read(ends[0], text, sizeof text)) > 0;)
        CHECK(write(1, text, (size_t)length) == length);
    CHECK(waitpid(child, NULL, 0) == child);
    usleep(50000);
    return 0;
}
