/* expect: 7; sees: 48001x1100 */
/*
 * A program that returns from main out of a function below it, with the stack pointer of there, as those of Free Pascal
 * do that use libc: libc calls exit then, whatever the stack pointer is.
 */
#include "target.h"

void *caller __asm__("caller"), *frame __asm__("frame"); /* of main */

__attribute__((naked, noreturn)) static void halt(int status) {
    (void)status;
    __asm__("movl %edi, %eax\n\t"
            "movq frame(%rip), %rbp\n\t"
            "pushq caller(%rip)\n\t"
            "ret");
}

static void at_exit(void) { blocks(48001, 100); }

static __attribute__((noinline)) void work(int level) {
    char room[1000];
    blocks(48001, 100);
    if (level) work(level - 1);
    keep(room);
    halt(7);
}

__attribute__((used)) static int start(void) __asm__("start");
static int start(void) {
    CHECK(!atexit(at_exit));
    work(9);
    return 0;
}

__attribute__((naked)) int main(void) {
    __asm__("popq caller(%rip)\n\t"
            "movq %rbp, frame(%rip)\n\t"
            "pushq caller(%rip)\n\t"
            "jmp start");
}
