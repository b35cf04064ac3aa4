/*
 * Phases, operations, marks, samples: what the program and the recorder say beside memory events. See model.h.
 */
#include <errno.h>

#include "model.h"

static void tell(struct model *model, const struct control *control) {
    if (control->kind == TRACE_EVENT_PHASE_BEGIN || control->kind == TRACE_EVENT_PHASE_END) model->now.edge++;
    struct teller_message *message = teller_message(&model->teller, &model->now);
    message->kind = TELLER_CONTROL;
    message->control = *control;
    for (unsigned i = 0; i < model->control_count; i++)
        model->control[i].analysis->control(model->control[i].self, control, &model->now);
}

void model_control(struct model *model, const struct packed_event *event) {
    struct control control = {.kind = packed_kind(event), .flags = packed_flags(event), .value = event->size};
    uint64_t name = packed_address(event);
    switch (control.kind) {
    case TRACE_EVENT_OP_START:
        if (operations_start(&model->operations, event->size, name)) model->error = -ENOMEM;
        break;
    case TRACE_EVENT_OP_FINISH:
        control.status = (uint32_t)packed_address(event);
        name = operations_finish(&model->operations, event->size);
        break;
    case TRACE_EVENT_OP_END: control.status = (uint32_t)event->size; break;
    case TRACE_EVENT_EXIT:
        control.status = (uint32_t)packed_address(event);
        name = 0;
        break;
    case TRACE_EVENT_EXEC:
        model->exec_thread = model->now.thread;
        model->exec_event = model->now.event;
        break;
    case TRACE_EVENT_EXEC_FAIL: model->exec_thread = 0; break;
    default: break;
    }
    control.name = tables_string(model->tables, name);
    tell(model, &control);
}

static const enum trace_event_kind request_kinds[] = {
    [TRACE_COMMAND_MARK] = TRACE_EVENT_MARK,           [TRACE_COMMAND_PHASE_BEGIN] = TRACE_EVENT_PHASE_BEGIN,
    [TRACE_COMMAND_PHASE_END] = TRACE_EVENT_PHASE_END, [TRACE_COMMAND_ON] = TRACE_EVENT_RESUME,
    [TRACE_COMMAND_OFF] = TRACE_EVENT_PAUSE,           [TRACE_COMMAND_STOP] = TRACE_EVENT_STOP,
};

void model_request(struct model *model, const struct request_record *request, uint64_t stamp) {
    if (!request->command || request->command >= sizeof request_kinds / sizeof *request_kinds) return;
    model_moment(model, stamp, request->thread);
    tell(model, &(struct control){
                    .kind = request_kinds[request->command], .flags = (uint8_t)request->flags, .name = request->name});
}

static void tell_sample(struct model *model, uint64_t stamp) {
    model_moment(model, stamp, 0);
    struct teller_message *message = teller_message(&model->teller, &model->now);
    message->kind = TELLER_SAMPLE;
    message->sample = model->sample;
    for (unsigned i = 0; i < model->sample_count; i++)
        model->sampled[i].analysis->sample(model->sampled[i].self, &model->sample, &model->now);
}

/* Heap blocks by number, then the ranges of mappings that count. */
static bool next_piece(void *context, size_t *cursor, struct look_piece *piece) {
    struct model *model = context;
    const struct range_list *list = &model->mappings.list;
    while (*cursor < model->heap.next) {
        const struct block *block = heap_next(&model->heap, cursor);
        if (!block || block->mapped) continue;
        *piece = (struct look_piece){block->address, block->size, block};
        return true;
    }
    for (size_t at; (at = *cursor - model->heap.next) < list->count;) {
        const struct map_range *range = &list->ranges[at];
        (*cursor)++;
        if (range->mapping->internal) continue;
        const struct block *block = heap_block(&model->heap, range->mapping->block);
        *piece = (struct look_piece){range->start, range->end - range->start, block};
        return true;
    }
    return false;
}

static bool is_allocators(void *context, uint64_t address) {
    const struct model *model = context;
    const struct map_range *range = mappings_find(&model->mappings, address);
    return range && range->mapping->internal && !range->mapping->reserved;
}

static void tell_look(struct model *model) {
    const struct landscape *landscape = &model->landscape;
    const struct look look = {
        .maps = landscape->maps,
        .map_count = landscape->count,
        .pieces = model->now.live_blocks,
        .last = model->now.stamp >= model->tables->memory.last_look_stamp,
        .context = model,
        .next = next_piece,
        .is_allocators = is_allocators,
    };
    for (unsigned i = 0; i < model->look_count; i++)
        model->looked[i].analysis->look(model->looked[i].self, &look, &model->sample, &model->now);
}

void model_memory(struct model *model, const struct memory_record *record) {
    model->sample = (struct memory_sample){
        .vms = record->vms,
        .rss = record->rss,
        .shared = record->shared,
        .recorder_rss = record->flags & TRACE_MEMORY_OUTSIDE ? model->sample.recorder_rss : record->recorder,
        .cpu_ns = record->cpu_ns,
        .pss = model->sampled_once ? UINT64_MAX : model->sample.pss,
        .anonymous = model->sampled_once ? UINT64_MAX : model->sample.anonymous,
        .threads = (uint32_t)record->threads,
        .fds = (int32_t)(record->fds & INT32_MAX) - 1,
        .edge = record->flags & TRACE_MEMORY_EDGE,
        .rss_before = record->rss_before,
    };
    model->sampled_once = true;
    tell_sample(model, record->stamp);
    model->sample.cpu_ns = UINT64_MAX; /* known of this moment only */
    if (record->flags & TRACE_MEMORY_LOOK) tell_look(model);
}

/* Knows nothing of the recorder's own pages, so the first one waits for the sample that comes after it. */
void model_rollup(struct model *model, const struct rollup_record *record) {
    model->sample.rss = record->rss;
    model->sample.pss = record->pss;
    model->sample.anonymous = record->anonymous;
    model->sample.edge = false;
    if (model->sampled_once) tell_sample(model, record->stamp);
}
