/*
 * The pages of a stack that can be read. A walk reads words inside them directly; a range grows page by page, each
 * asked for by sys_is_readable, and is dropped when the thread turns up on another stack. Contexts as in unwind.h.
 */
#ifndef PRELOAD_STACK_RANGE_H
#define PRELOAD_STACK_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct walker;

/* Whether the page of this address can be read; errno stays. */
bool stack_page_readable(uintptr_t address);

/*
 * A word outside the stack's known pages: more stack, or another stack that this one leads to. Returns whether it can
 * be read.
 */
bool stack_range_reach(struct walker *walker, uintptr_t address);

/*
 * The stack pointer has left the known pages: deeper on the same stack, or on another one. The word at `address` is the
 * return address of a hook, so its page is readable.
 */
void stack_range_enter(struct walker *walker, uintptr_t address);

#endif
