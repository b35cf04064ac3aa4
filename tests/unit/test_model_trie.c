/* links: tests/model/explore.c */
/*
 * The stack trie (preload/stackid.c) as a model: threads look a key up and add it while the table is outgrown and its
 * windows are moved. In every state that can be reached, whatever a call has returned for a key is the one id of that
 * key. Each fault that a row of `faults` puts into the protocol must be found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../model/explore.h"

/* Each key has a window of its own; that of key 1 is full in the first table, so who adds it makes the second. */
enum { THREADS = 3, KEYS = 2, TABLES = 2, IDS = 8, CALLS = 2 };
static const uint8_t room[TABLES][KEYS] = {{1, 0}, {1, 1}};

enum fault {
    NO_FAULT,
    NO_SECOND_LOOK, /* who has added to a table does not look whether a newer one has come */
    FOUND_IS_TRUE,  /* who finds a key in a table that is outgrown meanwhile believes it */
    LEFT_TOO_EARLY, /* the old table is given up before its window is moved */
    NO_COMPARE,     /* a slot is overwritten instead of exchanged */
    FAULTS
};
static enum fault fault;

struct thread {
    uint8_t step, key, table, mine, slot, id, calls, moving;
    uint8_t from; /* older table that is looked at, + 1 */
};

struct state {
    uint8_t slots[TABLES][KEYS]; /* ids; 0: free */
    uint8_t key_of[IDS];         /* + 1 */
    uint8_t newest, ids;
    uint8_t older[TABLES]; /* + 1; 0: none */
    uint8_t taken[TABLES];
    uint8_t answer[KEYS], two_answers; /* the id returned for a key */
    struct thread threads[THREADS];
};

enum {
    BEGIN,
    LOOK,
    LOOK_AGAIN,
    ADD,
    MOVE_TAKE,
    MOVE_READ,
    MOVE_WRITE,
    MOVE_DONE,
    MOVE_CHECK,
    OLDER,
    OLDER_LOOK,
    NEW,
    SETTLE,
    SETTLED,
    GROW,
    DONE
};

static bool is(const struct state *s, uint8_t id, uint8_t key) { return id && s->key_of[id] == key + 1; }

static void answer(struct state *s, struct thread *t, uint8_t id) {
    if (s->answer[t->key] && s->answer[t->key] != id) s->two_answers = 1;
    s->answer[t->key] = id;
    t->step = DONE;
}

/* One access to the slot; true when the key's place in the table is settled, with its id, or 0 without room. */
static bool settle(struct state *s, uint8_t table, struct thread *t, uint8_t id, uint8_t key, uint8_t *settled) {
    uint8_t *slot = &s->slots[table][key];
    *settled = 0;
    if (t->slot == room[table][key]) return true;
    if (!*slot || fault == NO_COMPARE) *slot = *settled = id;
    else if (is(s, *slot, key)) *settled = *slot;
    if (*settled) return true;
    t->slot++;
    return false;
}

static void move_step(struct state *s, struct thread *t) {
    uint8_t old = s->older[t->table], settled;
    switch (t->step) {
    case MOVE_TAKE:
        t->step = OLDER;
        t->from = t->table + 1;
        if (!old || s->taken[old - 1]++) break;
        if (fault == LEFT_TOO_EARLY) s->older[t->table] = 0;
        t->from = old, t->slot = 0, t->step = MOVE_READ;
        break;
    /* `moving` counts slots; `id` is what is being moved */
    case MOVE_READ:
        t->id = s->slots[t->from - 1][t->moving];
        t->slot = 0;
        t->step = t->id ? MOVE_WRITE : ++t->moving < KEYS ? MOVE_READ : MOVE_CHECK;
        break;
    case MOVE_WRITE:
        if (!settle(s, t->table, t, t->id, (uint8_t)(s->key_of[t->id] - 1), &settled)) break;
        t->step = !settled ? OLDER : ++t->moving < KEYS ? MOVE_READ : MOVE_CHECK;
        if (!settled) t->from = t->table + 1;
        break;
    default: /* MOVE_CHECK */
        if (s->newest == t->table) t->step = MOVE_DONE;
        else t->step = OLDER, t->from = t->table + 1;
    }
    if (t->step == MOVE_DONE) {
        s->older[t->table] = s->older[t->from - 1];
        t->from = t->table + 1;
        t->step = OLDER;
    }
    if (t->step == OLDER) t->slot = t->id = t->moving = 0;
}

static void add_step(struct state *s, struct thread *t) {
    uint8_t settled;
    switch (t->step) {
    case ADD: t->table = s->newest, t->slot = 0, t->step = MOVE_TAKE; break;
    case OLDER:
        t->from = s->older[t->from - 1];
        t->slot = 0;
        t->step = t->from ? OLDER_LOOK : NEW;
        break;
    case OLDER_LOOK:
        t->id = s->slots[t->from - 1][t->key];
        t->step = t->id ? SETTLE : OLDER;
        break;
    case NEW:
        if (!t->mine) t->mine = ++s->ids, s->key_of[t->mine] = (uint8_t)(t->key + 1);
        t->id = t->mine, t->slot = 0, t->step = SETTLE;
        break;
    case SETTLE:
        if (!settle(s, t->table, t, t->id, t->key, &settled)) break;
        if (settled) t->id = settled;
        t->step = settled ? SETTLED : GROW;
        break;
    case SETTLED:
        if (s->newest == t->table || fault == NO_SECOND_LOOK) answer(s, t, t->id);
        else t->step = ADD;
        break;
    default: /* GROW */
        if (s->newest == t->table && s->newest + 1 < TABLES) {
            s->newest++;
            s->older[s->newest] = (uint8_t)(t->table + 1);
        }
        t->step = ADD;
    }
}

static bool step(void *state, unsigned actor) {
    struct state *s = state;
    struct thread *t = &s->threads[actor];
    switch (t->step) {
    case BEGIN:
        if (t->calls == CALLS) return false;
        t->key = (uint8_t)((actor + t->calls) % KEYS);
        t->calls++, t->table = s->newest, t->slot = 0, t->step = LOOK;
        return true;
    case LOOK:
        t->id = s->slots[t->table][t->key];
        t->step = t->id ? LOOK_AGAIN : ADD;
        return true;
    case LOOK_AGAIN:
        if (s->newest == t->table || fault == FOUND_IS_TRUE) answer(s, t, t->id);
        else t->step = ADD;
        return true;
    case MOVE_TAKE:
    case MOVE_READ:
    case MOVE_WRITE:
    case MOVE_CHECK: move_step(s, t); return true;
    case DONE: {
        uint8_t calls = t->calls;
        memset(t, 0, sizeof *t);
        t->calls = calls;
        return true;
    }
    default: add_step(s, t); return true;
    }
}

static const char *check(const void *state) {
    const struct state *s = state;
    if (s->two_answers) return "one key has two ids";
    if (s->answer[0] && s->answer[0] == s->answer[1]) return "two keys have one id";
    if (s->ids >= IDS - 1) return "more ids than threads can reserve";
    return NULL;
}

static struct explored explore_with(enum fault with) {
    static const struct model model = {sizeof(struct state), THREADS, step, check};
    fault = with;
    return explore(&model);
}

static void one_key_has_one_id(void **unused) {
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
        cmocka_unit_test(one_key_has_one_id),
        cmocka_unit_test(each_fault_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
