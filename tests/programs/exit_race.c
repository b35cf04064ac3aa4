/* expect: 3; case: exit_race_return; args: return */
/* expect: 4; case: exit_race_underscore; args: _exit */
/* expect: 5; case: exit_race_quick; args: quick_exit */
/* expect: 6; case: exit_race_thread; args: thread */
/* expect: SIGABRT; case: exit_race_abort; args: abort */
/* expect: SIGKILL; case: exit_race_kill; args: kill */
/* expect: SIGTERM; case: exit_race_term; args: term */
/* expect: SIGABRT; case: exit_race_smash; args: smash */
/* expect: SIGSEGV; case: exit_race_fault; args: fault */
/* The process ends, in every way there is, while four threads allocate. */
#include "target.h"
#include <signal.h>

extern _Noreturn void __stack_chk_fail(void);

static void *exits(void *unused) {
    (void)unused;
    exit(6);
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "return";
    churn_start(4);
    usleep(20000);
    if (!strcmp(how, "return")) return 3;
    if (!strcmp(how, "_exit")) _exit(4);
    if (!strcmp(how, "quick_exit")) quick_exit(5);
    if (!strcmp(how, "abort")) abort();
    if (!strcmp(how, "smash")) __stack_chk_fail();
    if (!strcmp(how, "kill")) kill(getpid(), SIGKILL);
    if (!strcmp(how, "term")) kill(getpid(), SIGTERM);
    if (!strcmp(how, "fault")) *(volatile int *)(uintptr_t)8 = 1;
    pthread_t thread;
    pthread_create(&thread, NULL, exits, NULL);
    pause();
}
