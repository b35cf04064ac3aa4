/*
 * Preloaded beside the recorder: ways to end that need the program's own help. SIGUSR1 smashes the stack of the thread
 * that takes it, SIGUSR2 touches new memory until somebody ends the process (ends.py).
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

enum { PIECE = 1 << 20 };

static __attribute__((noinline)) void smash(size_t length) {
    volatile char small[16];
    for (size_t i = 0; i < length; i++) ((volatile char *)small)[i] = 'x';
}

static void on_smash(int number) {
    (void)number;
    smash(48);
}

static void on_eat(int number) {
    (void)number;
    for (;;) {
        char *more = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (more != MAP_FAILED) memset(more, 1, PIECE);
    }
}

__attribute__((constructor)) static void begin(void) {
    signal(SIGUSR1, on_smash);
    signal(SIGUSR2, on_eat);
}
