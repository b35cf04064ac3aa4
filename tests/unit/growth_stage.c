/*
 * A process being replayed, played by hand. See growth_stage.h.
 */
#include "growth_stage.h"

struct stage stage;

static uint64_t hundred_of(const void *stacks, uint32_t stack) {
    (void)stacks;
    return stack / 100;
}

int begin(void **state) {
    (void)state;
    struct replay_facts facts = {.innermost = hundred_of};
    memset(&stage, 0, sizeof stage);
    stage.growth = growth_analysis.begin(&facts);
    stage.now.thread = 1;
    return stage.growth ? 0 : -1;
}

int end(void **state) {
    (void)state;
    growth_findings_release(&stage.findings);
    growth_release(stage.growth);
    return 0;
}

static void control(enum trace_event_kind kind, const char *name, uint64_t value) {
    struct control event = {.kind = kind, .name = name, .value = value};
    if (kind == TRACE_EVENT_PHASE_BEGIN || kind == TRACE_EVENT_PHASE_END) event.flags = stage.edge_flags;
    growth_analysis.control(stage.growth, &event, &stage.now);
}

void phase(const char *name) { control(TRACE_EVENT_PHASE_BEGIN, name, 0); }
void phase_end(const char *name) { control(TRACE_EVENT_PHASE_END, name, 0); }
void operation(void) { control(TRACE_EVENT_OP_BEGIN, "op", 0); }
void operation_end(void) { control(TRACE_EVENT_OP_END, "op", 0); }
void exit_begins(void) { control(TRACE_EVENT_EXIT, "", 0); }

struct block *allocate(uint32_t stack, uint64_t size) {
    struct block *block = calloc(1, sizeof *block);
    *block = (struct block){.size = size, .stack = stack, .thread = stage.now.thread};
    stage.now.live_blocks++;
    growth_analysis.born(stage.growth, block, &stage.now);
    return block;
}

void release(struct block *block) {
    if (!block) return;
    stage.now.live_blocks--;
    growth_analysis.died(stage.growth, block, DEATH_FREED, &stage.now);
    assert_null(block->attached);
    free(block);
}

static struct block *lost[4096];
static size_t lost_count;

void lose(struct block *block) { lost[lost_count++] = block; }

void resize(struct block *block, uint32_t stack, uint64_t size) {
    uint64_t old_size = block->size;
    uint32_t old_stack = block->stack;
    block->size = size;
    block->stack = stack;
    growth_analysis.resized(stage.growth, block, old_size, old_stack, &stage.now);
}

bool same_function(void *context, uint32_t stack, struct stack_facts *out) {
    const uint32_t *functions = context;
    *out = (struct stack_facts){.folded = stack, .function = functions[stack]};
    return true;
}

void judge_with(stack_facts_of facts, void *context) {
    struct judge_input input = {.stack_facts = facts, .stack_context = context, .settings = GROWTH_SETTINGS_DEFAULT};
    assert_int_equal(growth_analysis.end(stage.growth, &stage.now), 0);
    assert_int_equal(growth_judge(stage.growth, &input, &stage.findings), 0);
    while (lost_count > 0) free(lost[--lost_count]);
}

void judge(void) { judge_with(NULL, NULL); }

const struct growth_finding *finding(const char *phase_name, uint32_t stack) {
    for (size_t i = 0; i < stage.findings.count; i++) {
        const struct growth_finding *at = &stage.findings.items[i];
        if (strcmp(at->phase_name, phase_name) == 0 && at->stacks[0] == stack) return at;
    }
    return NULL;
}

void expect(const char *phase_name, uint32_t stack, const char *class) {
    const struct growth_finding *at = finding(phase_name, stack);
    assert_non_null(at);
    assert_string_equal(growth_class_name(at->judgement.class), class);
}

void expect_no_failure(void) {
    for (size_t i = 0; i < stage.findings.count; i++)
        assert_int_not_equal(stage.findings.items[i].judgement.outcome, GROWTH_FAIL);
}
