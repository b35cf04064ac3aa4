/* expect: 0; case: exit_pthread_main; args: pthread_exit; sees: 33001x200 */
/* expect: 11; case: exit_in_handler; args: handler; sees: 33002x1 */
/* expect: 12; case: exit_in_atexit; args: atexit; sees: 33003x1 */
/* expect: 13; case: exit_upper; args: _Exit; sees: 33004x1 */
/* expect: 14; case: exit_group_raw; args: raw; sees: 33005x1; trace: any */
/* expect: 0; case: exit_detached; args: detached; sees: 33006x10 */
/* Endings that skip the usual way out: the last block before them must be in the trace. */
#include "target.h"
#include <signal.h>
#include <sys/syscall.h>

static void *late_thread(void *unused) {
    (void)unused;
    usleep(20000);
    blocks(33001, 200);
    puts("last thread");
    return NULL;
}
static void *detached(void *unused) {
    (void)unused;
    for (;;) pause();
}
static void on_alarm(int signal) {
    (void)signal;
    _exit(11);
}
static void at_exit(void) {
    blocks(33003, 1);
    _exit(12);
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    pthread_t thread;
    if (!strcmp(how, "pthread_exit")) {
        pthread_create(&thread, NULL, late_thread, NULL);
        pthread_exit(NULL);
    }
    if (!strcmp(how, "handler")) {
        signal(SIGALRM, on_alarm);
        blocks(33002, 1);
        raise(SIGALRM);
    }
    if (!strcmp(how, "atexit")) {
        atexit(at_exit);
        exit(1);
    }
    if (!strcmp(how, "_Exit")) {
        blocks(33004, 1);
        _Exit(13);
    }
    if (!strcmp(how, "raw")) {
        blocks(33005, 1);
        syscall(SYS_exit_group, 14);
    }
    for (int i = 0; i < 4; i++) {
        pthread_create(&thread, NULL, detached, NULL);
        pthread_detach(thread);
    }
    blocks(33006, 10);
    return 0;
}
