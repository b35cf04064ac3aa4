/* expect: 0; trace: any */
/*
 * The program starts with descriptors 0 to 2 closed: its first file must get number 0, and nobody else may write there.
 */
#include "target.h"
#include <fcntl.h>

int main(int argc, char **argv) {
    if (argc > 1) {
        blocks(100, 10000);
        int fd = open("own", O_RDWR | O_CREAT, 0600);
        blocks(100, 300000);
        char text[8] = "";
        if (fd != 0 || write(fd, "mine", 4) != 4) _exit(50 + fd);
        if (pread(fd, text, 8, 0) != 4 || strcmp(text, "mine")) _exit(49);
        _exit(0);
    }
    (void)argc;
    pid_t child = fork();
    if (!child) {
        for (int fd = 0; fd < 3; fd++) close(fd);
        execl("/proc/self/exe", argv[0], "closed", (char *)NULL);
        _exit(48);
    }
    extern int wait(int *);
    int status;
    CHECK(wait(&status) == child);
    printf("status %d\n", status >> 8);
    return status >> 8;
}
