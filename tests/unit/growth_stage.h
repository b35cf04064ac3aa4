/*
 * A process being replayed, played by hand: programs of a few lines drive the collector of growth, and the judge says
 * what became of their stacks. One at a time; stacks from 100 on are of one instruction by hundreds, for several
 * callers.
 */
#ifndef TESTS_GROWTH_STAGE_H
#define TESTS_GROWTH_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/judge.h"

struct stage {
    struct growth *growth;
    struct moment now;
    struct growth_findings findings;
    uint8_t edge_flags; /* of phases */
};

extern struct stage stage;

/* Around each test. */
int begin(void **state);
int end(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* What the program does. */
void phase(const char *name);
void phase_end(const char *name);
void operation(void);
void operation_end(void);
void exit_begins(void);
struct block *allocate(uint32_t stack, uint64_t size);
void release(struct block *block); /* NULL is fine */
void resize(struct block *block, uint32_t stack, uint64_t size);
/* Lost for the program; its memory goes when it is judged. */
void lose(struct block *block);

/* What is found: once, when the program is over. */
void judge(void);
void judge_with(stack_facts_of facts, void *context);
/* A stack_facts_of: `context` is an array of functions by stack. */
bool same_function(void *context, uint32_t stack, struct stack_facts *out);
/* NULL: none that begins with this stack. */
const struct growth_finding *finding(const char *phase_name, uint32_t stack);
void expect(const char *phase_name, uint32_t stack, const char *class);
void expect_no_failure(void);

#endif
