/*
 * What depends on the machine: the cycle counter, running on another stack, the seed of libunwind. x86-64.
 *
 * Safe everywhere, signal handlers too. Another machine is one more file with the same names.
 */
#ifndef PRELOAD_MACHINE_X86_64_H
#define PRELOAD_MACHINE_X86_64_H

#include <cpuid.h>
#include <emmintrin.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The cycle counter, read after everything before it in program order and before anything after it that others can see.
 */
static inline uint64_t machine_stamp(void) {
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Whether the counter runs at one rate on all cores, in every power state (CPUID 80000007h, EDX bit 8). */
static inline bool machine_stamp_invariant(void) {
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007u, &a, &b, &c, &d) && (d & (1u << 8));
}

/* The machine and its relocations in <elf.h>. */
#define MACHINE_ELF EM_X86_64
#define MACHINE_RELOC_RELATIVE R_X86_64_RELATIVE /* base + addend */
#define MACHINE_RELOC_ADDRESS R_X86_64_64        /* symbol + addend */
#define MACHINE_RELOC_DATA R_X86_64_GLOB_DAT     /* symbol */
#define MACHINE_RELOC_CALL R_X86_64_JUMP_SLOT    /* symbol */
#define MACHINE_RELOC_TLS_MODULE R_X86_64_DTPMOD64
#define MACHINE_RELOC_TLS_OFFSET R_X86_64_DTPOFF64

/*
 * Where our own mappings lie: far below those that the kernel places and far above programs of fixed address, out of
 * the way of Go's heap (768 GiB above each TiB).
 */
#define MACHINE_OWN_PLACE 0x2a1000000000u
#define MACHINE_OWN_SPAN (1ull << 38)

/*
 * The body of a naked function of two arguments that calls the function whose address choose(first, second, caller)
 * returns, with its own arguments and as if its caller did.
 */
#define MACHINE_CALL_INSTEAD(choose)                                                                                   \
    __asm__("pushq %rdi\n\t.cfi_adjust_cfa_offset 8\n\tpushq %rsi\n\t.cfi_adjust_cfa_offset 8\n\t"                     \
            "movq 16(%rsp), %rdx\n\tsubq $8, %rsp\n\t.cfi_adjust_cfa_offset 8\n\tcall " #choose "\n\t"                 \
            "addq $8, %rsp\n\t.cfi_adjust_cfa_offset -8\n\tpopq %rsi\n\t.cfi_adjust_cfa_offset -8\n\t"                 \
            "popq %rdi\n\t.cfi_adjust_cfa_offset -8\n\tjmpq *%rax")

/*
 * Writes 16 bytes where there are zeros, in one step and with full order; false when something is there. `at` is a
 * multiple of 16.
 */
static inline bool machine_write_once(void *at, uint64_t low, uint64_t high) {
    bool written;
    uint64_t old_low = 0, old_high = 0;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(written), "+m"(*(__m128i *)at), "+a"(old_low), "+d"(old_high)
                     : "b"(low), "c"(high)
                     : "memory");
    return written;
}

/* A turn of a waiting loop. */
static inline void machine_pause(void) { __asm__ volatile("pause"); }

static inline uintptr_t machine_stack_pointer(void) {
    uintptr_t sp;
    __asm__("movq %%rsp, %0" : "=r"(sp));
    return sp;
}

/* Which of four numbers (aligned to 16) are equal to `value`: a bit each, the first the lowest. */
static inline unsigned machine_equal(const uint32_t four[4], uint32_t value) {
    __m128i equal = _mm_cmpeq_epi32(*(const __m128i *)four, _mm_set1_epi32((int)value));
    return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(equal));
}

/* A word that belongs to no object of ours, at any alignment; sanitizers do not look. */
static inline uint64_t machine_load(uintptr_t address) {
    uint64_t value;
    __asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(address));
    return value;
}

/* Bodies in assembly find their parameters in registers. */
#define MACHINE_NAKED __attribute__((naked, noinline, unused)) static
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

/*
 * fn(argument) on the stack that ends at stack_top (16-byte aligned). Debuggers unwind through it: the CFA is rbp + 16.
 */
MACHINE_NAKED void machine_call_on_stack(void (*fn)(void *), void *argument, void *stack_top) {
    __asm__("pushq %rbp\n\t"
            ".cfi_def_cfa_offset 16\n\t"
            ".cfi_offset %rbp, -16\n\t"
            "movq %rsp, %rbp\n\t"
            ".cfi_def_cfa_register %rbp\n\t"
            "movq %rdx, %rsp\n\t"
            "movq %rdi, %rax\n\t"
            "movq %rsi, %rdi\n\t"
            "callq *%rax\n\t"
            "leave\n\t"
            ".cfi_def_cfa %rsp, 8\n\t"
            "ret");
}

/* Where machine_call_in_place keeps the stack pointer; defined by its caller. */
extern void *machine_place __attribute__((visibility("hidden")));

/*
 * fn(argc, argv, envp) and its result. A walk from fn finds this function, and then the caller of that frame whose CFA
 * is `cfa` and whose return address lies below it: the frames between are left out, as if they were not there. fn may
 * return with any stack pointer.
 */
MACHINE_NAKED int machine_call_in_place(int (*fn)(int, char **, char **), int argc, char **argv, char **envp,
                                        uintptr_t cfa) {
    __asm__("pushq %rbp\n\t"
            ".cfi_def_cfa_offset 16\n\t"
            ".cfi_offset %rbp, -16\n\t"
            "movq %r8, %rbp\n\t"
            ".cfi_def_cfa %rbp, 0\n\t"
            ".cfi_restore %rbp\n\t"
            "movq %rdi, %rax\n\t"
            "movl %esi, %edi\n\t"
            "movq %rdx, %rsi\n\t"
            "movq %rcx, %rdx\n\t"
            "movq %rsp, machine_place(%rip)\n\t"
            "callq *%rax\n\t"
            "movq machine_place(%rip), %rsp\n\t"
            "popq %rbp\n\t"
            ".cfi_def_cfa %rsp, 8\n\t"
            "ret");
}

/*
 * clone(2): the child runs fn(NULL) on the stack that ends at stack_top (16-byte aligned), with thread_pointer as its
 * thread pointer; fn must not return. The word at child_tid is what CLONE_CHILD_CLEARTID clears. Gives the kernel's
 * answer to the caller: a thread id or -errno.
 */
MACHINE_NAKED long machine_clone(unsigned long flags, void *stack_top, void *thread_pointer, void *child_tid,
                                 void (*fn)(void *)) {
    __asm__("subq $16, %rsi\n\t"
            "movq %r8, 0(%rsi)\n\t"
            "movq $0, 8(%rsi)\n\t"
            "movq %rdx, %r8\n\t" /* the kernel takes: flags, stack, parent tid, child tid, thread pointer */
            "xorl %edx, %edx\n\t"
            "movq %rcx, %r10\n\t"
            "movl $56, %eax\n\t"
            "syscall\n\t"
            "testq %rax, %rax\n\t"
            "jz 1f\n\t"
            "ret\n"
            "1:\txorl %ebp, %ebp\n\t"
            "popq %rax\n\t"
            "popq %rdi\n\t"
            "call *%rax\n\t"
            "hlt");
}

/*
 * A function `name` that jumps to what `real` returns with all arguments and the stack as they came, after calling
 * `before` with its first three.
 */
#define MACHINE_DEFINE_SYSCALL_HOOK(name, before, real)                                                                \
    __attribute__((naked)) long name(__attribute__((unused)) long call, ...) {                                         \
        __asm__("pushq %%rdi\n\tpushq %%rsi\n\tpushq %%rdx\n\tpushq %%rcx\n\tpushq %%r8\n\tpushq %%r9\n\t"             \
                "subq $8, %%rsp\n\t"                                                                                   \
                "call %P0\n\t"                                                                                         \
                "call %P1\n\t"                                                                                         \
                "addq $8, %%rsp\n\t"                                                                                   \
                "popq %%r9\n\tpopq %%r8\n\tpopq %%rcx\n\tpopq %%rdx\n\tpopq %%rsi\n\tpopq %%rdi\n\t"                   \
                "jmp *%%rax"                                                                                           \
                :                                                                                                      \
                : "i"(before), "i"(real));                                                                             \
    }

/*
 * Never called: code whose unwind rule is CFA = rsp + 8, return address at CFA - 8. A walk that starts here finds its
 * first real frame as a caller, so that its address counts as a return address.
 */
MACHINE_NAKED void machine_called_frame(void) { __asm__("nop\n\tret"); }

#pragma GCC diagnostic pop

#endif
