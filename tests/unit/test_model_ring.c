/* links: tests/model/explore.c */
/*
 * The hand-over of a ring to its drainers (preload/probe.c, drain.c, append.c), with signal handlers, and recovery
 * (analyzer/input/recover.c), as a model: in every state that can be reached the process may be killed, and what is
 * recovered then must be each event whose call has returned, once, in order. Each fault that a row of `faults` puts
 * into the protocol must be found; a search that finds nothing in a broken protocol proves nothing about a right one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../model/explore.h"

enum { RING = 2, EVENTS = 4, NESTED = 2, SIGNALS = 2, SIGNAL_EVENT = 8 };
enum actor { PRODUCER, HELPER, HANDLER, ACTORS };

enum fault {
    NO_FAULT,
    HEAD_FIRST,       /* the head is published before the word is written */
    TAIL_FIRST,       /* the ring's space is given back before the frame is in the file */
    NO_LOCK,          /* two drain one ring at once */
    NO_ROOM_CHECK,    /* the producer does not wait for space */
    FRAMES_FORGOTTEN, /* recovery looks at the ring's tail alone */
    COPY_FORGOTTEN,   /* recovery takes a nested event that is in the ring already */
    QUEUE_FORGOTTEN,  /* recovery does not look into the nested queue */
    CLEARED_FIRST,    /* the nested event is removed before it is in the ring */
    FAULTS
};
static enum fault fault;

struct drainer {
    uint8_t step, first, end, copied;
    uint8_t words[RING];
};

struct state {
    uint8_t ring[RING], head, tail, lock; /* lock: actor + 1 */
    uint8_t file[EVENTS + SIGNALS + 2 * RING], file_count;
    uint8_t framed; /* positions below it are in frames */
    uint8_t queue[NESTED], queued;
    uint8_t step, event, guard; /* the producer */
    uint8_t signals;            /* that have come */
    uint8_t returned[EVENTS + SIGNALS],
        returned_count; /* events in the order of their stamps, whose calls have returned */
    uint8_t stamped[EVENTS + SIGNALS], stamped_count;
    struct drainer drainers[2];
};

/* ---- drain.c: one step is one access ---- */

enum { DRAIN_LOCK, DRAIN_TAIL, DRAIN_HEAD, DRAIN_COPY, DRAIN_PUBLISH, DRAIN_RELEASE, DRAIN_UNLOCK };

static void publish(struct state *s, const struct drainer *d) {
    for (uint8_t i = 0; i < d->end - d->first; i++)
        if (s->file_count < sizeof s->file) s->file[s->file_count++] = d->words[i];
    s->framed = d->end;
}

/* True when the drain is done. */
static bool drain(struct state *s, struct drainer *d, enum actor actor, bool *moved) {
    *moved = true;
    switch (d->step) {
    case DRAIN_LOCK:
        if (s->lock && fault != NO_LOCK) *moved = false;
        else s->lock = (uint8_t)(actor + 1), d->step++;
        return false;
    case DRAIN_TAIL: d->first = s->tail, d->step++; return false;
    case DRAIN_HEAD:
        d->end = s->head, d->copied = 0;
        d->step = d->end == d->first ? DRAIN_UNLOCK : DRAIN_COPY;
        return false;
    case DRAIN_COPY:
        d->words[d->copied] = s->ring[(d->first + d->copied) % RING];
        if (d->first + ++d->copied == d->end) d->step++;
        return false;
    case DRAIN_PUBLISH:
        if (fault == TAIL_FIRST) s->tail = d->end;
        else publish(s, d);
        d->step++;
        return false;
    case DRAIN_RELEASE:
        if (fault == TAIL_FIRST) publish(s, d);
        else s->tail = d->end;
        d->step++;
        return false;
    default:
        s->lock = 0;
        memset(d, 0, sizeof *d);
        return true;
    }
}

/* ---- probe.c ---- */

enum {
    ENTER,
    ROOM,
    DRAINING,
    STAMP,
    WORD,
    HEAD,
    FLUSH_LOOK,
    FLUSH_ROOM,
    FLUSH_DRAINING,
    FLUSH_WORD,
    FLUSH_HEAD,
    FLUSH_CLEAR,
    FLUSH_EMPTY,
    LEAVE,
    RETURN
};

static bool is_full(const struct state *s) { return fault != NO_ROOM_CHECK && s->head - s->tail >= RING; }

static void put_word(struct state *s, uint8_t event) { s->ring[s->head % RING] = event; }

static uint8_t first_queued(const struct state *s) {
    for (uint8_t i = 0; i < s->queued; i++)
        if (s->queue[i]) return i;
    return NESTED;
}

static bool draining(struct state *s, uint8_t after) {
    bool moved;
    if (drain(s, &s->drainers[PRODUCER], PRODUCER, &moved)) s->step = after;
    return moved;
}

static bool produce(struct state *s) {
    uint8_t at = first_queued(s);
    switch (s->step) {
    case ENTER:
        if (s->event == EVENTS) return false;
        s->guard = 1, s->event++, s->step++;
        return true;
    case ROOM: s->step = is_full(s) ? DRAINING : STAMP; return true;
    case DRAINING: return draining(s, STAMP);
    /* An older event of a handler goes first; between this look and the stamp no handler comes, or all begins anew. */
    case STAMP:
        if (s->queued) s->step = FLUSH_LOOK;
        else s->stamped[s->stamped_count++] = s->event, s->step++;
        return true;
    case WORD:
        if (fault == HEAD_FIRST) s->head++;
        else put_word(s, s->event);
        s->step++;
        return true;
    case HEAD:
        if (fault == HEAD_FIRST) s->ring[(s->head - 1) % RING] = s->event;
        else s->head++;
        s->step = s->queued ? FLUSH_LOOK : LEAVE;
        return true;
    case FLUSH_LOOK: s->step = at == NESTED ? FLUSH_EMPTY : FLUSH_ROOM; return true;
    case FLUSH_ROOM: s->step = is_full(s) ? FLUSH_DRAINING : FLUSH_WORD; return true;
    case FLUSH_DRAINING: return draining(s, FLUSH_WORD);
    case FLUSH_WORD:
        put_word(s, s->queue[at]);
        if (fault == CLEARED_FIRST) s->queue[at] = 0;
        s->step++;
        return true;
    case FLUSH_HEAD: s->head++, s->step++; return true;
    case FLUSH_CLEAR:
        if (at != NESTED && fault != CLEARED_FIRST) s->queue[at] = 0;
        s->step = FLUSH_LOOK;
        return true;
    case FLUSH_EMPTY: /* compare-and-swap: fails if a handler has come */
        s->step = FLUSH_LOOK;
        if (first_queued(s) != NESTED) return true;
        s->queued = 0;
        s->step = s->stamped_count && memchr(s->stamped, s->event, s->stamped_count) ? LEAVE : ROOM;
        return true;
    case LEAVE:
        if (s->queued) s->step = FLUSH_LOOK;
        else s->guard = 0, s->step++;
        return true;
    default: s->returned[s->returned_count++] = s->event, s->step = ENTER; return true;
    }
}

/* A handler in the producer's thread: runs whole before the producer goes on. */
static bool handle(struct state *s) {
    if (!s->guard || s->signals == SIGNALS || s->queued == NESTED || s->step == DRAINING || s->step == FLUSH_DRAINING)
        return false; /* outside a hook it is an ordinary event; drains hold signals back */
    uint8_t event = (uint8_t)(SIGNAL_EVENT + s->signals++);
    s->queue[s->queued++] = event;
    s->stamped[s->stamped_count++] = event;
    s->returned[s->returned_count++] = event;
    return true;
}

static bool step(void *state, unsigned actor) {
    struct state *s = state;
    bool moved;
    if (actor == PRODUCER) return produce(s);
    if (actor == HANDLER) return handle(s);
    if (s->drainers[HELPER].step == DRAIN_LOCK && s->head == s->tail) return false;
    drain(s, &s->drainers[HELPER], HELPER, &moved);
    return moved;
}

/* ---- recover.c, at the moment of the kill ---- */

static size_t recover(const struct state *s, uint8_t *out) {
    size_t count = s->file_count;
    memcpy(out, s->file, count);
    uint8_t from = fault == FRAMES_FORGOTTEN || s->tail > s->framed ? s->tail : s->framed;
    for (uint8_t p = from; p < s->head; p++) out[count++] = s->ring[p % RING];
    for (uint8_t i = 0; i < s->queued && fault != QUEUE_FORGOTTEN; i++) {
        bool copied = fault != COPY_FORGOTTEN && s->head && s->ring[(s->head - 1) % RING] == s->queue[i];
        if (s->queue[i] && !copied) out[count++] = s->queue[i];
    }
    return count;
}

static bool holds(const uint8_t *events, size_t count, uint8_t event) { return count && memchr(events, event, count); }

static const char *check(const void *state) {
    const struct state *s = state;
    uint8_t found[sizeof s->file + RING + NESTED + 1];
    if (s->head - s->tail > RING) return "the ring was overrun";
    if (s->file_count > EVENTS + SIGNALS) return "events are in the file twice";
    size_t count = recover(s, found);
    for (size_t i = 0; i < count; i++) {
        if (holds(found, i, found[i])) return "an event is there twice";
        if (!holds(s->stamped, s->stamped_count, found[i])) return "an event is there that never was";
    }
    for (size_t i = 0; i < s->returned_count; i++)
        if (!holds(found, count, s->returned[i])) return "an event is lost whose call had returned";
    return NULL;
}

static struct explored explore_with(enum fault with) {
    static const struct model model = {sizeof(struct state), ACTORS, step, check};
    fault = with;
    return explore(&model);
}

static void nothing_is_lost_or_doubled(void **unused) {
    (void)unused;
    struct explored all = explore_with(NO_FAULT);
    if (all.wrong) fail_msg("%s", all.wrong);
    print_message("%zu states\n", all.states);
    assert_true(all.states > 1000);
}

static void each_fault_is_found(void **unused) {
    (void)unused;
    for (enum fault with = NO_FAULT + 1; with < FAULTS; with++)
        if (!explore_with(with).wrong) fail_msg("fault %d is not found", (int)with);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_or_doubled),
        cmocka_unit_test(each_fault_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
