/*
 * A graph of instructions, walked from one place. See flow.h. The gate to capstone, which is loaded when first needed:
 * its tables hold 77 000 addresses for the loader to adjust, twice the time that the rest of a short command takes.
 *
 * Exceptions enter a function at landing pads, which no instruction of it jumps to: what nothing reaches from the entry
 * is taken for such, and the first call may continue there.
 */
#include "flow.h"

#include "../library.h"

#include <capstone/capstone.h>
#include <pthread.h>
#include <stdlib.h>

#define TEXT_OF(number) #number
#define LIBRARY(version) "libcapstone.so." TEXT_OF(version)

enum { CODE_MAX = 1 << 20 };
enum mark { FROM_ENTRY = 1, FROM_PLACE = 2 };

struct step { /* one instruction */
    uint64_t address;
    uint64_t target; /* of a jump; 0: none */
    bool falls_through, idle;
    bool anywhere; /* may go on at any place */
    uint8_t marks;
};

struct graph {
    const struct code *code;
    struct step *steps; /* ascending addresses, without gaps */
    size_t count;
    size_t *pending; /* steps to go on from */
    size_t pending_count;
    bool lost; /* the walk may be anywhere */
};

static struct {
    typeof(&cs_open) open;
    typeof(&cs_option) option;
    typeof(&cs_malloc) take;
    typeof(&cs_free) give;
    typeof(&cs_disasm_iter) next;
    typeof(&cs_insn_group) in_group;
    typeof(&cs_close) close;
    bool whole;
} capstone;

static void load(void) {
    const struct library_call calls[] = {
        {"cs_open", &capstone.open},   {"cs_option", &capstone.option},    {"cs_malloc", &capstone.take},
        {"cs_free", &capstone.give},   {"cs_disasm_iter", &capstone.next}, {"cs_insn_group", &capstone.in_group},
        {"cs_close", &capstone.close},
    };
    capstone.whole = library_load(LIBRARY(CS_API_MAJOR), calls, sizeof calls / sizeof *calls);
}

static bool is_loaded(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return capstone.whole;
}

static bool in_group(csh handle, const cs_insn *insn, unsigned group) {
    return capstone.in_group(handle, insn, (uint8_t)group);
}

static struct step step_of(csh handle, const cs_insn *insn) {
    struct step step = {.address = insn->address, .falls_through = true};
    const cs_x86 *x86 = &insn->detail->x86;
    step.idle = insn->id == X86_INS_NOP;
    if (in_group(handle, insn, CS_GRP_RET) || insn->id == X86_INS_UD2 || insn->id == X86_INS_HLT)
        step.falls_through = false;
    if (!in_group(handle, insn, CS_GRP_JUMP)) return step;
    step.falls_through = insn->id != X86_INS_JMP && insn->id != X86_INS_LJMP;
    if (x86->op_count && x86->operands[x86->op_count - 1].type == X86_OP_IMM)
        step.target = (uint64_t)x86->operands[x86->op_count - 1].imm;
    else step.anywhere = true;
    return step;
}

/* False where some of the bytes are no instructions. */
static bool read_steps(struct graph *graph, csh handle) {
    const struct code *code = graph->code;
    const uint8_t *at = code->bytes;
    size_t left = code->size;
    uint64_t address = code->base;
    cs_insn *insn = capstone.take(handle);
    if (!insn) return false;
    while (left && capstone.next(handle, &at, &left, &address, insn))
        graph->steps[graph->count++] = step_of(handle, insn);
    capstone.give(insn, 1);
    return left == 0;
}

static bool read_graph(struct graph *graph) {
    csh handle;
    if (!is_loaded() || capstone.open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) return false;
    bool read = capstone.option(handle, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK && read_steps(graph, handle);
    capstone.close(&handle);
    return read;
}

/* The instruction at the address; graph->count: none. */
static size_t step_at(const struct graph *graph, uint64_t address) {
    size_t low = 0, high = graph->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (graph->steps[middle].address < address) low = middle + 1;
        else high = middle;
    }
    return low < graph->count && graph->steps[low].address == address ? low : graph->count;
}

static void reach(struct graph *graph, size_t index, enum mark mark) {
    if (index == graph->count || graph->steps[index].marks & mark) return;
    graph->steps[index].marks |= (uint8_t)mark;
    graph->pending[graph->pending_count++] = index;
}

static void jump(struct graph *graph, uint64_t target, enum mark mark) {
    const struct code *code = graph->code;
    size_t index = step_at(graph, target);
    if (index < graph->count) reach(graph, index, mark);
    else if (target - code->base < code->size || code->is_part(code->context, target)) graph->lost = true;
}

static void go_on(struct graph *graph, size_t index, enum mark mark) {
    const struct step *step = &graph->steps[index];
    graph->lost |= step->anywhere;
    if (step->falls_through) reach(graph, index + 1, mark);
    if (step->target) jump(graph, step->target, mark);
}

static void walk(struct graph *graph, enum mark mark) {
    while (graph->pending_count) go_on(graph, graph->pending[--graph->pending_count], mark);
}

/* Also the cases of a switch begin such runs; they do no harm here. */
static void reach_landing_pads(struct graph *graph) {
    bool entered = true; /* the instruction can be come to from the one before it */
    for (size_t i = 0; i < graph->count; i++) {
        const struct step *step = &graph->steps[i];
        bool pad = !(step->marks & FROM_ENTRY) && !step->idle;
        if (pad && !entered) reach(graph, i, FROM_PLACE);
        entered = step->falls_through && !step->idle;
    }
}

/* The call that returns to `from` was made; can the one that returns to `to` follow? */
static bool search(struct graph *graph, uint64_t from, uint64_t to) {
    size_t begin = step_at(graph, from), end = step_at(graph, to);
    if (begin == graph->count || end == graph->count || end == 0) return true;
    reach(graph, 0, FROM_ENTRY);
    walk(graph, FROM_ENTRY);
    graph->lost = false;
    reach_landing_pads(graph); /* that call may have thrown */
    reach(graph, begin, FROM_PLACE);
    walk(graph, FROM_PLACE);
    return graph->lost || graph->steps[end - 1].marks & FROM_PLACE;
}

bool flow_may_reach(const struct code *code, uint64_t from, uint64_t to) {
    struct graph graph = {.code = code};
    if (!code->bytes || !code->size || code->size > CODE_MAX) return true;
    graph.steps = calloc(code->size, sizeof *graph.steps);
    graph.pending = calloc(2 * code->size, sizeof *graph.pending);
    bool may = !graph.steps || !graph.pending || !read_graph(&graph) || search(&graph, from, to);
    free(graph.steps);
    free(graph.pending);
    return may;
}
