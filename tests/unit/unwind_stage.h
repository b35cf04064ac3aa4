/*
 * Stacks to be captured, and compared with those of libunwind's own local unwinder, frame by frame.
 */
#ifndef TESTS_UNWIND_STAGE_H
#define TESTS_UNWIND_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../preload/unwind.h"

#define NOINLINE __attribute__((noinline, noclone))
enum { DEPTH = 256, FRAMES = 20000 };

extern struct unwind_thread *thread;
extern volatile unsigned sink; /* what is done after a call, so that it is no jump */

/* As a hook sees it: the registers of its caller after its return. */
#define HERE(registers)                                                                                                \
    struct unwind_registers registers = {(uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_dwarf_cfa(),     \
                                         *(const uintptr_t *)__builtin_frame_address(0)}

/* Around each test. */
int start(void **state);
int finish(void **state);
#define ROW(test) cmocka_unit_test_setup_teardown(test, start, finish)

struct unwind_counters counters(void);

/* Captures and compares; returns the node. */
uint32_t capture(void);
uint32_t capture_only(void);

/* Captures in each of `depth` frames, before and after the call. */
void recurse(int depth);

/* In frames; how many of them are flagged. */
unsigned length_of(uint32_t node, unsigned *cuts, unsigned *partial);

#endif
