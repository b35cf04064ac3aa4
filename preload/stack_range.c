/*
 * Readable pages of stacks (stack_range.h).
 */
#include "stack_range.h"

#include "sys.h"
#include "walker.h"

enum { REACH = 16 << 20 }; /* largest gap in a stack that is taken as one frame's */

bool stack_page_readable(uintptr_t address) { return sys_is_readable(word_at(address & -(uintptr_t)PAGE)); }

/* Makes the range reach up to the word at `address`, if all pages between can be read. */
static bool extend_up(struct range *range, uintptr_t address) {
    if (!range->words || address < range->start || address - range->start > range->words + REACH) return false;
    while (!in(range, address)) {
        if (!stack_page_readable(range->start + range->words + WORD - 1)) return false;
        range->words += PAGE;
    }
    return true;
}

static struct range one_page(uintptr_t address) { return (struct range){address & -(uintptr_t)PAGE, PAGE - WORD + 1}; }

slow_path bool stack_range_reach(struct walker *w, uintptr_t address) {
    if (in(&w->other, address) || extend_up(&w->stack, address) || extend_up(&w->other, address)) return true;
    if (address % WORD || !stack_page_readable(address)) return false;
    if (w->other.words) w->unkeepable = true;
    w->other = one_page(address);
    return true;
}

slow_path void stack_range_enter(struct walker *w, uintptr_t address) {
    uintptr_t page = address & -(uintptr_t)PAGE, at = w->stack.start;
    bool same = w->stack.words && (extend_up(&w->stack, address) || (address < at && at - address < REACH));
    while (same && at > page + PAGE && stack_page_readable(at - PAGE)) at -= PAGE;
    if (same && at <= page + PAGE) {
        if (page < w->stack.start) {
            w->stack.words += w->stack.start - page;
            w->stack.start = page;
        }
        return;
    }
    w->stack = one_page(address);
    w->other = (struct range){0};
    w->bottomless = 0;
    walker_forget(w);
}
