/* expect: 0; sees: 30001x1 30002x1 30003x1 30004x1 30005x1 30006x1 */
/* Allocations before main and after it: pre-initialisation, constructors, atexit, destructors. */
#include "target.h"

static void at_exit(void) { blocks(30004, 1); }
static void before(int argc, char **argv, char **env) {
    (void)argc, (void)argv, (void)env;
    blocks(30001, 1);
}
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(int, char **, char **) = before;

__attribute__((constructor(101))) static void first(void) {
    blocks(30002, 1);
    atexit(at_exit);
}
__attribute__((constructor)) static void second(void) { blocks(30003, 1); }
__attribute__((destructor)) static void late(void) { blocks(30005, 1); }
__attribute__((destructor(101))) static void last(void) {
    blocks(30006, 1);
    if (write(1, "destroyed\n", 10) != 10) _exit(99);
}

int main(void) {
    puts("main");
    return 0;
}
