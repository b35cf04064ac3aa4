/*
 * Reads the journal into tables. See tables.h; the bodies are FORMAT.md §5.
 *
 * One function per kind of record, listed in one table. A body that is too short leaves its record out and is counted;
 * bytes after the last known field are ignored, because newer recorders add fields there.
 */
#include "tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "../text/printable.h"

#define STRINGS_AHEAD 65536u /* ids are dense; one that is further ahead is damage, not a table of that size */
#define TEXT_BLOCK 65536u
#define ALLOWANCE 256u /* bytes in tables for one in the journal */
#define ALLOWANCE_FREE (64u << 20)

struct text_block {
    struct text_block *next;
    size_t used, capacity;
    char bytes[];
};

/* False where the tables would outgrow what a journal of this size can ask for. */
static bool afford(struct tables *t, size_t size) {
    if (size > t->allowance) return false;
    t->allowance -= size;
    return true;
}

static char *text_room(struct tables *t, size_t length) {
    if (!afford(t, length)) return NULL;
    struct text_block *block = t->texts;
    if (!block || block->capacity - block->used < length) {
        size_t capacity = length > TEXT_BLOCK ? length : TEXT_BLOCK;
        block = malloc(sizeof *block + capacity);
        if (!block) return NULL;
        *block = (struct text_block){.next = t->texts, .capacity = capacity};
        t->texts = block;
    }
    char *room = block->bytes + block->used;
    block->used += length;
    return room;
}

/* Copies the string under the cursor; NULL marks the reader failed where memory ran out. */
static const char *get_path(struct tables *t, struct wire_reader *r) {
    size_t length;
    const char *bytes = wire_get_string(r, &length);
    if (!bytes) return NULL;
    char *copy = text_room(t, length + 1);
    if (!copy) {
        r->failed = true;
        return NULL;
    }
    memcpy(copy, bytes, length);
    copy[length] = 0;
    return copy;
}

/* The same, of text that will be shown. */
static const char *add_text(struct tables *t, const char *bytes, size_t length) {
    char *text = printable(bytes, length, PRINTABLE_NAME);
    size_t size = text ? strlen(text) + 1 : 0;
    char *copy = text ? text_room(t, size) : NULL;
    if (copy) memcpy(copy, text, size);
    free(text);
    return copy;
}

static const char *get_text(struct tables *t, struct wire_reader *r) {
    size_t length;
    const char *bytes = wire_get_string(r, &length);
    const char *copy = bytes ? add_text(t, bytes, length) : NULL;
    r->failed |= !copy;
    return copy;
}

static void skip_numbers(struct wire_reader *r, unsigned count) {
    while (count--) wire_get_varint(r);
}

/* A new row of a list, or NULL. */
#define ROW(t, list, count) (afford((t), sizeof *(t)->list) ? LIST_ADD((t)->list, (t)->count) : NULL)

static void read_args(struct tables *t, struct wire_reader *r) {
    struct process_record *p = &t->process;
    uint64_t count = wire_get_varint(r);
    if (r->failed || count > wire_left(r)) return; /* each takes a byte at least */
    if (!afford(t, (size_t)(count + 1) * sizeof *p->args)) return;
    p->args = calloc((size_t)count + 1, sizeof *p->args);
    if (!p->args) return;
    while (p->arg_count < count) {
        const char *arg = get_text(t, r);
        if (!arg) break;
        p->args[p->arg_count++] = arg;
    }
}

static bool read_process(struct tables *t, struct wire_reader *r) {
    struct process_record *p = &t->process;
    if (p->present) return true;
    uint64_t *const before[] = {&p->pid, &p->parent, &p->start_ns, &p->exec_count, &p->uid};
    uint64_t *const after[] = {&p->pid_namespace, &p->cpus,        &p->ram_bytes, &p->page_size,
                               &p->depth,         &p->interval_ns, &p->flags,     &p->split_stamp};
    const char **const texts[] = {&p->exe,  &p->cwd,       &p->host,         &p->kernel,
                                  &p->libc, &p->allocator, &p->parent_trace, &p->recorder};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) *before[i] = wire_get_varint(r);
    const uint8_t *boot = wire_get_bytes(r, sizeof p->boot_id);
    if (boot) memcpy(p->boot_id, boot, sizeof p->boot_id);
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) *after[i] = wire_get_varint(r);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) *texts[i] = get_text(t, r);
    read_args(t, r);
    p->present = true;
    return !r->failed;
}

static bool read_module(struct tables *t, struct wire_reader *r) {
    struct module_record m = {0};
    m.id = (uint32_t)wire_get_varint(r);
    skip_numbers(r, 3); /* stamp, start, end */
    m.bias = wire_get_varint(r);
    m.path = get_path(t, r);
    const char *id = wire_get_string(r, &m.build_id_length);
    if (r->failed || !m.path) return false;
    char *copy = text_room(t, m.build_id_length + 1);
    struct module_record *row = copy ? ROW(t, modules, module_count) : NULL;
    if (!row) return false;
    memcpy(copy, id, m.build_id_length);
    m.build_id = (const uint8_t *)copy;
    *row = m;
    return true;
}

static struct thread_record *find_thread(const struct tables *t, uint64_t serial) {
    size_t place = ids_find(&t->thread_places, serial);
    return place == IDS_NONE ? NULL : &t->threads[place];
}

static bool read_thread(struct tables *t, struct wire_reader *r) {
    struct thread_record thread = {.serial = (uint32_t)wire_get_varint(r)};
    thread.tid = (uint32_t)wire_get_varint(r);
    skip_numbers(r, 1); /* stamp */
    thread.name = get_text(t, r);
    if (r->failed || find_thread(t, thread.serial)) return false;
    struct thread_record *row = ROW(t, threads, thread_count);
    if (row) *row = thread;
    return row && !ids_put(&t->thread_places, thread.serial, t->thread_count - 1);
}

static bool read_thread_name(struct tables *t, struct wire_reader *r) {
    struct thread_record *thread = find_thread(t, wire_get_varint(r));
    const char *name = get_text(t, r);
    if (thread && name) thread->name = name;
    return name != NULL;
}

static bool read_string(struct tables *t, struct wire_reader *r) {
    uint64_t id = wire_get_varint(r);
    const char *text = get_text(t, r);
    if (!text || id > 2 * t->strings_read++ + STRINGS_AHEAD) return false;
    while (t->string_count <= id) {
        const char **row = ROW(t, strings, string_count);
        if (!row) return false;
        *row = NULL;
    }
    t->strings[id] = text;
    return true;
}

static bool read_clock(struct tables *t, struct wire_reader *r) {
    struct clock_record clock = {.stamp = wire_get_varint(r)};
    clock.monotonic = wire_get_varint(r);
    clock.boottime = wire_get_varint(r);
    clock.realtime = wire_get_varint(r);
    if (r->failed) return false;
    if (t->clock_count && t->clocks[t->clock_count - 1].stamp >= clock.stamp) return true;
    struct clock_record *row = ROW(t, clocks, clock_count);
    if (row) *row = clock;
    return row != NULL;
}

bool memory_parse(struct wire_reader body, struct memory_record *out) {
    uint64_t *const fields[] = {&out->stamp,  &out->vms,     &out->rss, &out->shared, &out->recorder,
                                &out->cpu_ns, &out->threads, &out->fds, &out->flags};
    *out = (struct memory_record){0};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) *fields[i] = wire_get_varint(&body);
    out->rss_before = out->flags & TRACE_MEMORY_LOOK && wire_left(&body) ? wire_get_varint(&body) : out->rss;
    return !body.failed;
}

bool rollup_parse(struct wire_reader body, struct rollup_record *out) {
    uint64_t *const fields[] = {&out->stamp, &out->rss,           &out->pss,    &out->anonymous,
                                &out->swap,  &out->private_dirty, &out->cost_ns};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) *fields[i] = wire_get_varint(&body);
    return !body.failed;
}

static bool read_memory(struct tables *t, struct wire_reader *r) {
    struct memory_record sample;
    if (!memory_parse(*r, &sample)) return false;
    t->memory.samples++;
    if (!(sample.flags & TRACE_MEMORY_OUTSIDE)) t->memory.recorder_rss = sample.recorder;
    if (sample.flags & TRACE_MEMORY_LOOK) {
        t->memory.looks++;
        t->memory.last_look_stamp = sample.stamp;
    }
    return true;
}

static bool read_loss(struct tables *t, struct wire_reader *r) {
    struct loss_record loss = {.first_stamp = wire_get_varint(r)};
    loss.last_stamp = wire_get_varint(r);
    loss.thread = wire_get_varint(r);
    loss.events = wire_get_varint(r);
    loss.cause = wire_get_varint(r);
    if (loss.cause == TRACE_LOSS_FILE && wire_left(r)) skip_numbers(r, 1); /* errno */
    if (r->failed) return false;
    struct loss_record *row = ROW(t, losses, loss_count);
    if (row) *row = loss;
    return row != NULL;
}

static bool read_stopped(struct tables *t, struct wire_reader *r) {
    skip_numbers(r, 1); /* stamp */
    t->stopped.cause = wire_get_varint(r);
    skip_numbers(r, 1); /* errno */
    t->stopped.present = true;
    return !r->failed;
}

static bool read_end(struct tables *t, struct wire_reader *r) {
    struct end_record *e = &t->end;
    uint64_t *const fields[] = {&e->stamp,        &e->how,          &e->status,  &e->events, &e->recorder_cpu_ns,
                                &e->recorder_rss, &e->by_libunwind, &e->partial, &e->cut,    &e->checked,
                                &e->different};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) *fields[i] = wire_get_varint(r);
    e->present = true;
    return !r->failed;
}

static bool read_exited(struct tables *t, struct wire_reader *r) {
    struct exited_record *e = &t->exited;
    uint64_t *const fields[] = {&e->kind, &e->value, &e->max_rss, &e->user_ns, &e->system_ns};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) *fields[i] = wire_get_varint(r);
    e->present = true;
    return !r->failed;
}

/* Served just before the process died, but not yet marked as done. */
static bool is_served(const struct tables *t, const struct request_record *request) {
    for (size_t i = 0; i < t->request_count; i++) {
        const struct request_record *known = &t->requests[i];
        if (known->stamp == request->stamp && known->command == request->command && !strcmp(known->name, request->name))
            return true;
    }
    return false;
}

static bool add_request(struct tables *t, const struct request_record *request) {
    struct request_record *row = ROW(t, requests, request_count);
    if (row) *row = *request;
    return row != NULL;
}

static bool read_request(struct tables *t, struct wire_reader *r) {
    struct request_record request = {.stamp = wire_get_varint(r)};
    request.command = (uint32_t)wire_get_varint(r);
    request.flags = (uint32_t)wire_get_varint(r);
    request.name = get_text(t, r);
    return !r->failed && add_request(t, &request);
}

/* What only `tidemark dump` shows is looked at, no more. */

static bool check_two_numbers(struct tables *t, struct wire_reader *r) {
    (void)t;
    skip_numbers(r, 2);
    return !r->failed;
}

static bool check_child(struct tables *t, struct wire_reader *r) {
    size_t length;
    (void)t;
    skip_numbers(r, 4);
    for (int text = 0; text < 2; text++) wire_get_string(r, &length);
    return !r->failed;
}

static bool (*const readers[])(struct tables *, struct wire_reader *) = {
    [TRACE_RECORD_PROCESS] = read_process,
    [TRACE_RECORD_MODULE] = read_module,
    [TRACE_RECORD_MODULE_GONE] = check_two_numbers,
    [TRACE_RECORD_THREAD] = read_thread,
    [TRACE_RECORD_THREAD_NAME] = read_thread_name,
    [TRACE_RECORD_THREAD_END] = check_two_numbers,
    [TRACE_RECORD_STRING] = read_string,
    [TRACE_RECORD_CLOCK] = read_clock,
    [TRACE_RECORD_MEMORY] = read_memory,
    [TRACE_RECORD_LOSS] = read_loss,
    [TRACE_RECORD_CHILD] = check_child,
    [TRACE_RECORD_STOPPED] = read_stopped,
    [TRACE_RECORD_END] = read_end,
    [TRACE_RECORD_EXITED] = read_exited,
    [TRACE_RECORD_REQUEST] = read_request,
};

static int by_stamp(const void *a, const void *b) {
    uint64_t left = ((const struct request_record *)a)->stamp, right = ((const struct request_record *)b)->stamp;
    return left < right ? -1 : left > right;
}

/* Requests that were posted but not served; without a stamp of their own they come last. */
static void add_pending(struct tables *t, const struct trace_input *input) {
    struct mailbox_request pending[TRACE_MAILBOX_SLOTS];
    size_t count = recover_mailbox(input, pending);
    for (size_t i = 0; i < count; i++) {
        const char *name = add_text(t, pending[i].name, strlen(pending[i].name));
        if (!name) return;
        uint64_t stamp = pending[i].stamp ? pending[i].stamp : UINT64_MAX;
        const struct request_record request = {
            .stamp = stamp, .command = pending[i].command, .flags = pending[i].flags, .name = name};
        if (!is_served(t, &request)) add_request(t, &request);
    }
}

/* Rows are at most some twenty times their records, which deflate makes ten times smaller at best. */
static uint64_t allowance(const struct trace_input *input, const struct recovery *recovery) {
    uint64_t stored = recovery->journal_length;
    for (size_t i = 0; i < input->frame_count; i++)
        if (input->frames[i].frame.kind == TRACE_FRAME_RECORDS) stored += input->frames[i].frame.stored_length;
    return ALLOWANCE_FREE + ALLOWANCE * stored;
}

void tables_begin(struct tables *t, const struct trace_input *input, const struct recovery *recovery) {
    *t = (struct tables){.allowance = allowance(input, recovery)};
}

bool tables_add(struct tables *t, struct record *record) {
    bool known = record->kind < sizeof readers / sizeof *readers && readers[record->kind];
    return !known || readers[record->kind](t, &record->body);
}

int tables_read(struct tables *t, const struct trace_input *input, const struct recovery *recovery) {
    struct record_cursor cursor;
    struct record record;
    tables_begin(t, input, recovery);
    records_begin(&cursor, input, recovery);
    while (records_next(&cursor, &record)) t->bad_records += !tables_add(t, &record);
    t->bad_records += cursor.bad_records;
    t->bad_frames = cursor.bad_frames;
    records_end(&cursor);
    add_pending(t, input);
    if (t->request_count) qsort(t->requests, t->request_count, sizeof *t->requests, by_stamp);
    return 0;
}

void tables_release(struct tables *t) {
    free(t->process.args);
    ids_release(&t->thread_places);
    free(t->modules);
    free(t->threads);
    free(t->strings);
    free(t->clocks);
    free(t->losses);
    free(t->requests);
    for (struct text_block *block = t->texts, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *t = (struct tables){0};
}

const char *tables_string(const struct tables *t, uint64_t id) {
    return id < t->string_count && t->strings[id] ? t->strings[id] : "";
}

/* At one moment a phase ends before the next begins, an inner one before its outer one; and begins after it. */
static int by_stamp_and_command(const void *a, const void *b) {
    const struct request_record *left = a, *right = b;
    int order = by_stamp(left, right);
    if (!order) order = (int)right->command - (int)left->command;
    if (order || left->depth == right->depth) return order;
    return (left->depth < right->depth) == (left->command == TRACE_COMMAND_PHASE_BEGIN) ? -1 : 1;
}

int tables_add_edges(struct tables *tables, const struct request_record *edges, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct request_record *row = ROW(tables, requests, request_count);
        if (!row) return -ENOMEM;
        *row = edges[i];
    }
    if (tables->request_count)
        qsort(tables->requests, tables->request_count, sizeof *tables->requests, by_stamp_and_command);
    return 0;
}
