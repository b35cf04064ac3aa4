/*
 * The public calls of tidemark.h, exported under their names. A phase edge is stamped under the lock of edges
 * (edges.h), so that no ring encoded later puts an event on the wrong side of it.
 */
#define TIDEMARK_RECORDER
#include "../include/tidemark.h"

#include "edges.h"
#include "lifecycle.h"
#include "lock.h"
#include "memory.h"
#include "probe.h"
#include "process.h"
#include "strings.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))
enum { NAME_MOST = 255 };

#define DECLARE_CALL(name, parameters, arguments) EXPORT void tidemark_##name parameters;
#define DECLARE_GET(type, name, absent, parameters, arguments) EXPORT type tidemark_##name parameters;
TIDEMARK_CALLS(DECLARE_CALL, DECLARE_GET)

static _Atomic uint64_t operation_ids;
static _Atomic int64_t operations;

uint64_t process_operations(void) {
    int64_t open = atomic_load_explicit(&operations, memory_order_relaxed);
    return open > 0 ? (uint64_t)open : 0;
}

static bool is_on(void) {
    return atomic_load_explicit(&probe_state.page.on, memory_order_relaxed) || lifecycle_wake(PROBE_EVENTS);
}

/* A name's id; too long a name is cut and told. */
static uint32_t name_id(const char *name) {
    if (!name) name = "";
    size_t length = strnlen(name, NAME_MOST + 1);
    if (length <= NAME_MOST) return strings_id(name, length);
    uint32_t id = strings_id(name, NAME_MOST);
    probe_event(TRACE_EVENT_ANOMALY, id, TRACE_ANOMALY_LONG_NAME);
    return id;
}

static void edge(enum trace_event_kind kind, const char *name) {
    if (!is_on()) return;
    uint32_t id = name_id(name);
    if (probe_interrupted()) {
        probe_event(kind, id, 0);
        probe_event(TRACE_EVENT_ANOMALY, id, TRACE_ANOMALY_HANDLER);
        return;
    }
    uint64_t signals = signals_block();
    if (probe_prepare()) {
        edge_begin();
        edge_end(probe_event(kind, id, 0));
        memory_edge();
    }
    signals_restore(signals);
}

void tidemark_phase_begin(const char *name) { edge(TRACE_EVENT_PHASE_BEGIN, name); }
void tidemark_phase_end(const char *name) { edge(TRACE_EVENT_PHASE_END, name); }
void tidemark_mark(const char *name) { edge(TRACE_EVENT_MARK, name); }

void tidemark_items(uint64_t n) {
    if (is_on()) probe_event(TRACE_EVENT_ITEMS, 0, n);
}
void tidemark_items_named(const char *name, uint64_t n) {
    if (is_on()) probe_event(TRACE_EVENT_ITEMS, name_id(name), n);
}

void tidemark_op_begin(const char *name) {
    if (!is_on()) return;
    atomic_fetch_add_explicit(&operations, 1, memory_order_relaxed);
    probe_event(TRACE_EVENT_OP_BEGIN, name_id(name), 0);
}
void tidemark_op_end(const char *name, bool ok) {
    if (!is_on()) return;
    atomic_fetch_sub_explicit(&operations, 1, memory_order_relaxed);
    probe_event(TRACE_EVENT_OP_END, name_id(name), ok ? TIDEMARK_OK : TIDEMARK_FAILED);
}

uint64_t tidemark_op_start(const char *name) {
    if (!is_on()) return 0;
    uint64_t id = atomic_fetch_add_explicit(&operation_ids, 1, memory_order_relaxed) + 1;
    atomic_fetch_add_explicit(&operations, 1, memory_order_relaxed);
    probe_event(TRACE_EVENT_OP_START, name_id(name), id);
    return id;
}
void tidemark_op_finish(uint64_t id, enum tidemark_status status) {
    if (!id || !is_on()) return;
    atomic_fetch_sub_explicit(&operations, 1, memory_order_relaxed);
    probe_event(TRACE_EVENT_OP_FINISH, status, id);
}

void tidemark_value(const char *name, double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (is_on()) probe_event(TRACE_EVENT_VALUE, name_id(name), bits);
}

void tidemark_pause(void) {
    if (!is_on()) return;
    probe_event(TRACE_EVENT_PAUSE, 0, 0);
    lifecycle_pause();
}
void tidemark_resume(void) {
    if (!is_on()) return;
    lifecycle_resume();
    probe_event(TRACE_EVENT_RESUME, 0, 0);
}
