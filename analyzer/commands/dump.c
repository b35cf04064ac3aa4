/*
 * tidemark dump: a trace as text, one line per thing; docs/dump-format.md fixes every character. Reads frame by frame.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../must.h"
#include "../input/decode.h"
#include "../input/trace.h"
#include "groups.h"

struct dump_values {
    struct common_values common;
    bool no_events;
};

static const struct option_row rows[] = {
    OPTION("no-events", 0, OPTION_FLAG, NULL, offsetof(struct dump_values, no_events),
           "Records and stack nodes alone: a long trace is nearly all events"),
};
static const struct option_group options = {NULL, OPTION_ROWS(rows)};
static const struct option_use uses[] = {
    {&options, 0},
    {&common_options, offsetof(struct dump_values, common)},
    {NULL, 0},
};

/*
 * What the last events frame of a thread leaves for its next. More are never needed at a time (FORMAT.md "Segments").
 */
enum { KEEPERS = 16 };
struct keeper {
    struct decode_state *state;
    uint32_t thread;
    uint64_t end;  /* position */
    uint64_t turn; /* when it was used last */
};

struct dump {
    struct trace_input input;
    struct recovery recovery;
    struct keeper keepers[KEEPERS];
    uint64_t turn;
    bool no_events;
    struct decoded decoded;
    struct payload payload;
    uint64_t *numbers; /* events printed, by thread serial */
    size_t serials;
    uint8_t **seen; /* node ids that frames hold: a bit each, by extent */
    size_t extents;
};

static void print_quoted(const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    putchar('"');
    for (size_t i = 0; i < length; i++) {
        bool plain = at[i] >= 0x20 && at[i] <= 0x7e && at[i] != '"' && at[i] != '\\';
        if (plain) putchar(at[i]);
        else printf("\\x%02x", at[i]);
    }
    putchar('"');
}

static void print_hex(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) printf("%02x", bytes[i]);
}

static void print_header(const struct trace_header *h) {
    static const char *const sources[] = {[TRACE_STAMP_TSC] = "tsc", [TRACE_STAMP_COUNTER] = "counter"};
    static const char *const states[] = {[TRACE_STATE_OPEN] = "open", [TRACE_STATE_CLOSED] = "closed"};
    printf("trace version=%u.%u run=", h->major, h->minor);
    print_hex(h->run_id, sizeof h->run_id);
    printf(" pid=%u stamps=", h->pid);
    if (h->stamp_source < 3 && sources[h->stamp_source]) fputs(sources[h->stamp_source], stdout);
    else printf("%u", h->stamp_source);
    printf(" pointer=%u state=", h->pointer_size);
    if (h->state < 3 && states[h->state]) fputs(states[h->state], stdout);
    else printf("%u", h->state);
    printf(" lost=%" PRIu64 "\n", h->lost);
}

/* Events. */

static const char *const event_names[256] = {
#define TRACE_EVENT(name, value, words, text) [value] = text,
#include "../../include/trace_records.def"
};

static uint64_t *number_of(struct dump *dump, uint32_t serial) {
    static uint64_t overflow;
    if (serial >= 1u << 24) return &overflow;
    if (serial >= dump->serials) {
        size_t count = (size_t)serial * 2 + 16;
        uint64_t *grown = must(realloc(dump->numbers, count * sizeof *grown));
        memset(grown + dump->serials, 0, (count - dump->serials) * sizeof *grown);
        dump->numbers = grown;
        dump->serials = count;
    }
    return &dump->numbers[serial];
}

static void print_event(struct dump *dump, uint32_t thread, const struct trace_event *event) {
    printf("event %u %" PRIu64 " ", thread, (*number_of(dump, thread))++);
    if (event_names[event->kind]) fputs(event_names[event->kind], stdout);
    else printf("kind-%u", event->kind);
    if (event->flags & TRACE_EVENT_INTERPOLATED) fputs(" stamp=~", stdout);
    else printf(" stamp=%" PRIu64, event->stamp);
    printf(" operand=0x%" PRIx64 " size=%" PRIu64 " stack=%u flags=%u partner=%u\n", event->address, event->size,
           event->stack, event->flags & ~TRACE_EVENT_INTERPOLATED, event->partner);
}

static struct decode_state *make_state(void) {
    size_t size = (decode_state_size() + 63) & ~(size_t)63;
    return memset(must(aligned_alloc(64, size)), 0, size);
}

/* The thread's, else the one that was not used for longest. */
static struct keeper *keeper_of(struct dump *dump, uint32_t thread) {
    struct keeper *found = &dump->keepers[0];
    for (struct keeper *keeper = dump->keepers; keeper < dump->keepers + KEEPERS; keeper++) {
        if (keeper->state && keeper->thread == thread) return keeper;
        if (keeper->turn < found->turn) found = keeper;
    }
    if (!found->state) found->state = make_state();
    found->thread = thread;
    found->end = UINT64_MAX;
    return found;
}

/* The state to decode the frame with; it knows the thread's frame before only if that ended where this one begins. */
static struct decode_state *state_for(struct dump *dump, const struct trace_frame *frame) {
    struct keeper *keeper = keeper_of(dump, frame->thread);
    if (keeper->end != frame->first) decode_forget(keeper->state);
    keeper->end = frame->end;
    keeper->turn = ++dump->turn;
    return keeper->state;
}

static void dump_events(struct dump *dump, const struct frame_entry *entry) {
    struct decoded *decoded = &dump->decoded;
    if (decode_events(state_for(dump, &entry->frame), dump->payload.bytes, dump->payload.length, decoded)) {
        say("the events at offset %" PRIu64 " are damaged", entry->offset);
        return;
    }
    for (struct decoded_cursor at = decoded_begin(decoded); at.at < decoded->count; decoded_next(decoded, &at)) {
        struct trace_event event = decoded_event(decoded, &at);
        print_event(dump, entry->frame.thread, &event);
    }
}

static void dump_words(struct dump *dump, uint32_t thread, const uint64_t *words, size_t count) {
    struct trace_event event;
    for (size_t at = 0; at < count;) {
        int length = decode_words(words + at, count - at, &event);
        if (length <= 0) {
            say("thread %u: an event in its buffer is cut or damaged", thread);
            return;
        }
        event.flags &= (uint8_t)~TRACE_EVENT_INTERPOLATED;
        print_event(dump, thread, &event);
        at += (size_t)length;
    }
}

/* Records: the fields of each kind in the order of the file, as letters. */

struct record_row {
    const char *name;
    const char *fields; /* "key:type ..."; n number, x hexadecimal, s string, h byte string, b 16 bytes, and lists */
};

static const struct record_row record_rows[] = {
    [TRACE_RECORD_PROCESS] = {"process",
                              "pid:n parent:n start:n exec:n uid:n boot:b pidns:n cpus:n ram:n page:n depth:n "
                              "interval:n flags:n split:n exe:s cwd:s host:s kernel:s libc:s allocator:s "
                              "parent-trace:s recorder:s arg:A"},
    [TRACE_RECORD_MODULE] = {"module", "id:n stamp:n start:x end:x bias:x path:s build-id:h segment:S"},
    [TRACE_RECORD_MODULE_GONE] = {"module-gone", "id:n stamp:n"},
    [TRACE_RECORD_THREAD] = {"thread", "serial:n tid:n stamp:n name:s"},
    [TRACE_RECORD_THREAD_NAME] = {"thread-name", "serial:n name:s"},
    [TRACE_RECORD_THREAD_END] = {"thread-end", "serial:n stamp:n"},
    [TRACE_RECORD_STRING] = {"string", "id:n text:s"},
    [TRACE_RECORD_CLOCK] = {"clock", "stamp:n monotonic:n boottime:n realtime:n"},
    [TRACE_RECORD_MEMORY] = {"memory", "stamp:n vms:n rss:n shared:n recorder:n cpu:n threads:n fds:n flags:n"},
    [TRACE_RECORD_ROLLUP] = {"rollup", "stamp:n rss:n pss:n anonymous:n swap:n private-dirty:n cost:n"},
    [TRACE_RECORD_RESIDENCY] = {"residency", "stamp:n first:x page:n runs:R"},
    [TRACE_RECORD_LOSS] = {"loss", "first:n last:n thread:n events:n cause:C"},
    [TRACE_RECORD_WATERMARK] = {"watermark", "stamp:n"},
    [TRACE_RECORD_CHILD] = {"child", "stamp:n pid:n how:n traced:n path:s why:s"},
    [TRACE_RECORD_STOPPED] = {"stopped", "stamp:n cause:n errno:n"},
    [TRACE_RECORD_END] = {"end", "stamp:n how:n status:n events:n cpu:n resident:n libunwind:n partial:n cut:n "
                                 "checked:n different:n"},
    [TRACE_RECORD_MAPPING] = {"mapping", "stamp:n map:M"},
    [TRACE_RECORD_EXITED] = {"exited", "kind:n value:n resident:n user:n system:n"},
    [TRACE_RECORD_REQUEST] = {"request", "stamp:n command:n flags:n name:s"},
};
#define RECORD_ROWS (sizeof record_rows / sizeof *record_rows)

static void print_number(struct wire_reader *r, const char *key) {
    (void)key;
    printf("%" PRIu64, wire_get_varint(r));
}

static void print_address(struct wire_reader *r, const char *key) {
    (void)key;
    printf("0x%" PRIx64, wire_get_varint(r));
}

static void print_string(struct wire_reader *r, const char *key) {
    size_t length;
    const char *bytes = wire_get_string(r, &length);
    (void)key;
    if (bytes) print_quoted(bytes, length);
}

static void print_bytes(struct wire_reader *r, const char *key) {
    size_t length;
    const char *bytes = wire_get_string(r, &length);
    (void)key;
    if (bytes) print_hex((const uint8_t *)bytes, length);
}

static void print_sixteen(struct wire_reader *r, const char *key) {
    const uint8_t *bytes = wire_get_bytes(r, 16);
    (void)key;
    if (bytes) print_hex(bytes, 16);
}

static void print_args(struct wire_reader *r, const char *key) {
    uint64_t count = wire_get_varint(r);
    for (uint64_t i = 0; i < count && !r->failed; i++) {
        printf(" %s=", key);
        print_string(r, key);
    }
}

static void print_segments(struct wire_reader *r, const char *key) {
    uint64_t count = wire_get_varint(r);
    for (uint64_t i = 0; i < count && !r->failed; i++) {
        uint64_t address = wire_get_varint(r), size = wire_get_varint(r), offset = wire_get_varint(r);
        printf(" %s=0x%" PRIx64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, key, address, size, offset, wire_get_varint(r));
    }
}

static void print_maps(struct wire_reader *r, const char *key) {
    uint64_t count = wire_get_varint(r), end = 0;
    for (uint64_t i = 0; i < count && !r->failed; i++) {
        uint64_t start = end + wire_get_varint(r), length = wire_get_varint(r), flags = wire_get_varint(r);
        printf(" %s=0x%" PRIx64 ",%" PRIu64 ",%" PRIu64 ",", key, start, length, flags);
        print_string(r, key);
        end = start + length;
    }
}

static void print_runs(struct wire_reader *r, const char *key) {
    (void)key;
    for (bool first = true; wire_left(r) && !r->failed; first = false)
        printf(first ? "%" PRIu64 : ",%" PRIu64, wire_get_varint(r));
}

static void print_cause(struct wire_reader *r, const char *key) {
    uint64_t cause = wire_get_varint(r);
    (void)key;
    printf("%" PRIu64, cause);
    if (cause == TRACE_LOSS_FILE) printf(" errno=%" PRIu64, wire_get_varint(r));
}

struct field_type {
    void (*print)(struct wire_reader *, const char *key);
    bool list; /* prints its own keys, as often as it has values */
};

static const struct field_type field_types[128] = {
    ['n'] = {print_number, false},  ['x'] = {print_address, false}, ['s'] = {print_string, false},
    ['h'] = {print_bytes, false},   ['b'] = {print_sixteen, false}, ['A'] = {print_args, true},
    ['S'] = {print_segments, true}, ['M'] = {print_maps, true},     ['R'] = {print_runs, false},
    ['C'] = {print_cause, false},
};

static void print_fields(struct wire_reader *body, const char *fields) {
    while (*fields && !body->failed) {
        char key[32];
        size_t length = strcspn(fields, ":");
        memcpy(key, fields, length);
        key[length] = 0;
        const struct field_type *type = &field_types[(uint8_t)fields[length + 1]];
        if (!type->list) printf(" %s=", key);
        type->print(body, key);
        fields += length + 2;
        fields += *fields == ' ';
    }
}

/* Whether the body holds all fields: a line is printed whole or not at all. */
static bool skip_fields(struct wire_reader body, const char *fields) {
    for (const char *at = fields; *at && !body.failed; at++) {
        if (*at != ':') continue;
        char type = *++at;
        uint64_t count = strchr("ASM", type) ? wire_get_varint(&body) : 1;
        size_t length;
        if (type == 'R') break;
        for (uint64_t i = 0; i < count && !body.failed; i++) {
            if (type == 'b') wire_get_bytes(&body, 16);
            if (strchr("shA", type)) wire_get_string(&body, &length);
            if (type == 'C' && wire_get_varint(&body) == TRACE_LOSS_FILE) wire_get_varint(&body);
            for (int n = type == 'S' ? 4 : type == 'M' ? 3 : type == 'n' || type == 'x'; n > 0; n--)
                wire_get_varint(&body);
            if (type == 'M') wire_get_string(&body, &length);
        }
    }
    return !body.failed;
}

/* False where the body is too short for its kind. */
static bool print_record(struct record *record) {
    if (record->kind >= RECORD_ROWS || !record_rows[record->kind].name) return true;
    const struct record_row *row = &record_rows[record->kind];
    if (!skip_fields(record->body, row->fields)) return false;
    printf("record %s", row->name);
    print_fields(&record->body, row->fields);
    putchar('\n');
    return true;
}

static void dump_records(const uint8_t *bytes, size_t length, uint64_t offset) {
    struct wire_reader rest = wire_reader(bytes, length);
    struct record record;
    while (record_read(&rest, &record)) {
        if (print_record(&record)) continue;
        rest.failed = true;
        break;
    }
    if (rest.failed) say("a record at offset %" PRIu64 " is cut or damaged", offset);
}

/* Nodes. */

static void mark_seen(struct dump *dump, uint32_t id) {
    size_t extent = id / TRACE_NODES_PER_SLOT;
    if (extent >= dump->extents) {
        uint8_t **grown = must(realloc(dump->seen, (extent + 1) * sizeof *grown));
        while (dump->extents <= extent) grown[dump->extents++] = NULL;
        dump->seen = grown;
    }
    if (!dump->seen[extent]) dump->seen[extent] = must(calloc(1, TRACE_NODES_PER_SLOT / 8));
    dump->seen[extent][id % TRACE_NODES_PER_SLOT / 8] |= (uint8_t)(1u << id % 8);
}

static bool was_seen(const struct dump *dump, uint32_t id) {
    size_t extent = id / TRACE_NODES_PER_SLOT;
    if (extent >= dump->extents || !dump->seen[extent]) return false;
    return dump->seen[extent][id % TRACE_NODES_PER_SLOT / 8] >> id % 8 & 1;
}

static void print_node(uint32_t id, const struct stack_node *node) {
    static const struct {
        uint32_t bit;
        const char *name;
    } flags[] = {{TRACE_NODE_PARTIAL, "partial"},
                 {TRACE_NODE_CUT, "cut"},
                 {TRACE_NODE_SIGNAL, "signal"},
                 {TRACE_NODE_GUESSED, "guessed"}};
    const char *before = "";
    if (!node->ip) return;
    printf("node %u parent=%u ip=0x%" PRIx64 " module=%u flags=", id, node->parent, node->ip,
           node->info & TRACE_NODE_MODULE_MASK);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (!(node->info & flags[i].bit)) continue;
        printf("%s%s", before, flags[i].name);
        before = ",";
    }
    puts(*before ? "" : "none");
}

static void take_node(void *context, uint32_t id, const struct stack_node *node) {
    mark_seen(context, id);
    print_node(id, node);
}

static void dump_nodes_slot(struct dump *dump, const struct frame_entry *entry) {
    struct wire_reader r = wire_reader(dump->payload.bytes, dump->payload.length);
    if (entry->frame.first > UINT32_MAX - TRACE_NODES_PER_SLOT) return;
    for (uint32_t id = (uint32_t)entry->frame.first; wire_left(&r) >= TRACE_NODE_SIZE; id++) {
        struct stack_node node = {.ip = wire_get_u64(&r)};
        node.parent = wire_get_u32(&r);
        node.info = wire_get_u32(&r);
        if (!was_seen(dump, id)) print_node(id, &node);
    }
}

/* Frames, then slots. */

static void dump_frame(struct dump *dump, const struct frame_entry *entry) {
    uint16_t kind = entry->frame.kind;
    if (kind != TRACE_FRAME_EVENTS && kind != TRACE_FRAME_RECORDS && kind != TRACE_FRAME_NODES) return;
    if (kind == TRACE_FRAME_EVENTS && dump->no_events) return;
    if (reader_payload(&dump->input, entry, &dump->payload)) {
        say("the frame at offset %" PRIu64 " is damaged", entry->offset - TRACE_FRAME_SIZE);
        return;
    }
    if (kind == TRACE_FRAME_EVENTS) dump_events(dump, entry);
    if (kind == TRACE_FRAME_RECORDS) dump_records(dump->payload.bytes, dump->payload.length, entry->offset);
    if (kind == TRACE_FRAME_NODES &&
        nodes_decode(&entry->frame, dump->payload.bytes, dump->payload.length, take_node, dump))
        say("the nodes at offset %" PRIu64 " are damaged", entry->offset);
}

static void dump_slots(struct dump *dump) {
    size_t ring = 0;
    for (size_t i = 0; i < dump->input.frame_count; i++) {
        const struct frame_entry *entry = &dump->input.frames[i];
        if (entry->frame.kind == TRACE_FRAME_SLOT_RING && !dump->no_events)
            for (; ring < dump->recovery.ring_count && dump->recovery.rings[ring].frame == i; ring++) {
                const struct ring_rest *rest = &dump->recovery.rings[ring];
                dump_words(dump, rest->thread, rest->words, rest->count);
                dump_words(dump, rest->thread, rest->words + rest->count, rest->nested);
            }
        if (entry->frame.kind == TRACE_FRAME_SLOT_JOURNAL && dump->recovery.journal_frame == i)
            dump_records(dump->recovery.journal, dump->recovery.journal_length, entry->offset);
        if (entry->frame.kind == TRACE_FRAME_SLOT_NODES && !reader_payload(&dump->input, entry, &dump->payload))
            dump_nodes_slot(dump, entry);
    }
}

static void dump_all(struct dump *dump) {
    print_header(&dump->input.header);
    for (size_t i = 0; i < dump->input.frame_count; i++) dump_frame(dump, &dump->input.frames[i]);
    dump_slots(dump);
}

static int dump_begin(struct dump *dump, const char *path) {
    struct reader_refusal refusal;
    *dump = (struct dump){.input.fd = -1};
    if (reader_open(&dump->input, path, &refusal)) {
        say("%s: %s", path, reader_explain(&refusal).text);
        return STATUS_UNREADABLE;
    }
    dump->decoded.events = malloc(DECODE_MAX_EVENTS * sizeof *dump->decoded.events);
    dump->decoded.marks = malloc(DECODE_MAX_EVENTS * sizeof *dump->decoded.marks);
    if (!dump->decoded.events || !dump->decoded.marks || recover_slots(&dump->input, &dump->recovery)) {
        say("out of memory");
        return STATUS_INTERNAL;
    }
    return STATUS_OK;
}

static void dump_end(struct dump *dump) {
    for (size_t i = 0; i < dump->extents; i++) free(dump->seen[i]);
    free(dump->seen);
    free(dump->numbers);
    for (size_t i = 0; i < KEEPERS; i++) free(dump->keepers[i].state);
    free(dump->decoded.events);
    free(dump->decoded.marks);
    payload_release(&dump->payload);
    recovery_release(&dump->recovery);
    reader_close(&dump->input);
}

static int run(void *values, int count, char **arguments) {
    struct dump dump;
    (void)count;
    int status = dump_begin(&dump, arguments[0]);
    dump.no_events = ((const struct dump_values *)values)->no_events;
    if (!status) dump_all(&dump);
    dump_end(&dump);
    if (!status && (fflush(stdout) || ferror(stdout))) status = STATUS_INTERNAL;
    return status;
}

const struct command command_dump = {
    .name = "dump",
    .arguments = "TRACE",
    .summary = "Print a trace, one line per record",
    .text = "The text is described in docs/dump-format.md. What is damaged is left out and said on stderr.\n\n"
            "Exit status: 0; 3 when the trace can't be read.",
    .values_size = sizeof(struct dump_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
