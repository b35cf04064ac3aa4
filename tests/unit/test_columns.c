/* links: tests/unit/event_stream.c preload/columns.c preload/plain.c preload/words.c preload/deflate.c preload/huffman.c libs: -lz -ldeflate */
/*
 * Event columns and the two gates to zlib: round trips of random and adversarial streams, with the words and the list
 * of events made side by side by the generator. Partners are checked against a search backwards, stamps against the
 * promises of FORMAT.md, worked out here from the original stream.
 */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/input/decode.h"
#include "../../analyzer/input/inflate.h"
#include "../../preload/columns.h"
#include "../../preload/deflate.h"
#include "../../preload/plain.h"
#include "event_stream.h"

/* All that encoding and decoding need, each of the size that the headers promise, so that a sanitizer sees the ends. */
struct bench {
    struct columns *columns;
    struct decode_state *decoder;
    uint8_t *payload;
    struct trace_event *events;
};

/* The whole events of a frame. */
static int decode(struct decode_state *state, const uint8_t *raw, size_t length, struct trace_event *events,
                  uint32_t *count) {
    struct decoded decoded = {.events = malloc(DECODE_MAX_EVENTS * sizeof *decoded.events),
                              .marks = malloc(DECODE_MAX_EVENTS * sizeof *decoded.marks)};
    int result = decode_events(state, raw, length, &decoded);
    if (!result) {
        *count = decoded.count;
        for (struct decoded_cursor at = decoded_begin(&decoded); at.at < decoded.count; decoded_next(&decoded, &at))
            events[at.at] = decoded_event(&decoded, &at);
        for (uint32_t i = 0; i < decoded.count; i++)
            assert_int_equal(decoded.exact || decoded_is_marked(&decoded, i),
                             !(events[i].flags & TRACE_EVENT_INTERPOLATED));
    }
    free(decoded.events);
    free(decoded.marks);
    return result;
}

static void *aligned(size_t size) {
    void *memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
    return memset(memory, 0, size);
}

static int bench_setup(void **state) {
    struct bench *b = calloc(1, sizeof *b);
    b->columns = aligned(columns_size());
    b->decoder = aligned(decode_state_size());
    b->payload = malloc(columns_bound());
    b->events = calloc(DECODE_MAX_EVENTS, sizeof *b->events);
    *state = b;
    return 0;
}

static int bench_teardown(void **state) {
    struct bench *b = *state;
    free(b->columns);
    free(b->decoder);
    free(b->payload);
    free(b->events);
    free(b);
    return 0;
}

/*
 * By FORMAT.md, "partner": the newest earlier allocation or release at the address, if it is an allocation; none where
 * the ring says that the block may be another thread's.
 */
static bool is_block(const struct trace_event *e) {
    return e->kind >= TRACE_EVENT_ALLOC && e->kind <= TRACE_EVENT_REALLOC_IN && !(e->flags & TRACE_EVENT_FAILED);
}
static bool is_allocation(const struct trace_event *e) {
    return e->kind == TRACE_EVENT_ALLOC || e->kind == TRACE_EVENT_REALLOC_IN;
}

static void find_partners(struct trace_event *events, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) events[i].partner = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_block(&events[i]) || is_allocation(&events[i]) || events[i].flags & TRACE_EVENT_FOREIGN) continue;
        uint32_t j = i;
        while (j-- > 0)
            if (events[j].address == events[i].address && is_block(&events[j])) break;
        if (j < i && is_allocation(&events[j])) events[i].partner = events[j].partner = i - j;
    }
}

static void check_fields(const struct trace_event *expected, const struct trace_event *got, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(got[i].kind, expected[i].kind);
        assert_int_equal(got[i].flags & ~(TRACE_EVENT_INTERPOLATED | TRACE_EVENT_FOREIGN),
                         expected[i].flags & ~TRACE_EVENT_FOREIGN);
        assert_int_equal(got[i].address, expected[i].address);
        assert_int_equal(got[i].size, expected[i].size);
        assert_int_equal(got[i].stack, expected[i].stack);
        assert_int_equal(got[i].partner, expected[i].partner);
    }
}

static bool edge_between(const struct columns_input *in, uint64_t a, uint64_t b) {
    for (size_t e = 0; e < in->edge_count; e++)
        if ((a < in->edges[e]) != (b < in->edges[e])) return true;
    return false;
}

/* Which events must keep their stamps; no others may. */
static bool needs_stamp(const struct columns_input *in, const struct trace_event *events, uint32_t count, uint32_t i) {
    if (i % 1024 == 0 || i + 1 == count || events[i].kind >= 32) return true;
    if (in->ordered && !events[i].partner) return true;
    return edge_between(in, events[i - 1].stamp, events[i].stamp) ||
           edge_between(in, events[i].stamp, events[i + 1].stamp);
}

static void check_stamps(const struct columns_input *in, const struct trace_event *expected,
                         const struct trace_event *got, uint32_t count) {
    uint32_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool stored = !(got[i].flags & TRACE_EVENT_INTERPOLATED);
        assert_int_equal(stored, needs_stamp(in, expected, count, i));
        assert_false(edge_between(in, got[i].stamp, expected[i].stamp));
        if (!stored) continue;
        assert_int_equal(got[i].stamp, expected[i].stamp);
        uint64_t low = got[before].stamp < got[i].stamp ? got[before].stamp : got[i].stamp;
        uint64_t high = got[before].stamp + got[i].stamp - low;
        for (uint32_t k = before; k < i; k++) assert_true(got[k].stamp >= low && got[k].stamp <= high);
        before = i;
    }
}

static void check_range(const struct columns_output *out, const struct trace_event *events, uint32_t count) {
    uint64_t low = UINT64_MAX, high = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (events[i].stamp < low) low = events[i].stamp;
        if (events[i].stamp > high) high = events[i].stamp;
    }
    assert_int_equal(out->first_stamp, low);
    assert_int_equal(out->last_stamp, high);
}

static struct columns_input input_of(const struct stream *s, int ordered) {
    return (struct columns_input){
        .ring = s->ring, .mask = STREAM_RING_WORDS - 1, .first = s->first, .end = s->end, .ordered = ordered};
}

static int encode(struct bench *b, bool plain, const struct columns_input *in, struct columns_output *out) {
    return plain ? plain_encode(in, b->payload, out) : columns_encode(b->columns, in, b->payload, out);
}

static void check_all_stamps(const struct trace_event *expected, const struct trace_event *got, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(got[i].stamp, expected[i].stamp);
        assert_false(got[i].flags & TRACE_EVENT_INTERPOLATED);
    }
}

static void round_trip(struct bench *b, bool plain, struct stream *s, const struct columns_input *in) {
    struct columns_output out;
    uint32_t count = 0;
    assert_int_equal(encode(b, plain, in, &out), 0);
    assert_int_equal(out.count, s->count);
    assert_int_equal(out.end, s->end);
    assert_true(out.bytes <= columns_bound());
    /* Its own allocation, so that a sanitizer sees a read behind the end. */
    uint8_t *raw = malloc(out.bytes);
    memcpy(raw, b->payload, out.bytes);
    assert_int_equal(decode(b->decoder, raw, out.bytes, b->events, &count), 0);
    free(raw);
    assert_int_equal(count, s->count);
    find_partners(s->events, count);
    check_fields(s->events, b->events, count);
    if (plain) check_all_stamps(s->events, b->events, count);
    else check_stamps(in, s->events, b->events, count);
    check_range(&out, s->events, count);
}

static void test_round_trips(void **state) {
    for (size_t p = 0; p < STREAM_PROFILES; p++) {
        for (int variant = 0; variant < 4; variant++) {
            struct stream s;
            stream_make(&s, &stream_profiles[p], stream_profiles[p].events, p * 10 + (unsigned)variant + 1);
            struct columns_input in = input_of(&s, variant & 1);
            uint64_t edges[8];
            for (unsigned e = 0; e < 8; e++) edges[e] = s.events[s.count / 8 * e].stamp + (e & 1);
            in.edges = edges;
            in.edge_count = variant & 2 ? 8 : 0;
            for (unsigned e = 1; e < 8; e++)
                if (edges[e] < edges[e - 1]) in.edge_count = 1; /* edges ascend, or there is one */
            round_trip(*state, false, &s, &in);
            round_trip(*state, true, &s, &in);
            stream_release(&s);
        }
    }
}

static void test_every_small_count(void **state) {
    for (uint32_t count = 0; count < 140; count++) {
        struct stream s;
        stream_make(&s, &stream_profiles[1], count, count + 77);
        if (count) {
            struct columns_input in = input_of(&s, (int)count & 1);
            round_trip(*state, false, &s, &in);
            round_trip(*state, true, &s, &in);
        }
        for (int plain = 0; plain < 2 && !count; plain++) {
            struct columns_output out;
            struct columns_input in = input_of(&s, 0);
            struct bench *b = *state;
            assert_int_equal(encode(b, plain, &in, &out), 0);
            assert_int_equal(out.count, 0);
            assert_int_equal(decode(b->decoder, b->payload, out.bytes, b->events, &count), 0);
            assert_int_equal(count, 0);
        }
        stream_release(&s);
    }
}

/* More than one call takes: the rest is left for the next, which starts where the first ended. */
static void check_limit(struct bench *b, bool plain) {
    struct stream s;
    struct columns_output out;
    uint32_t count;
    stream_make(&s, &stream_profiles[0], COLUMNS_MAX_EVENTS + 100, 5);
    struct columns_input in = input_of(&s, 0);
    assert_int_equal(encode(b, plain, &in, &out), 0);
    assert_int_equal(out.count, COLUMNS_MAX_EVENTS);
    assert_true(out.end < s.end);
    assert_int_equal(decode(b->decoder, b->payload, out.bytes, b->events, &count), 0);
    find_partners(s.events, count);
    check_fields(s.events, b->events, count);
    in.first = out.end;
    assert_int_equal(encode(b, plain, &in, &out), 0);
    assert_int_equal(out.count, 100);
    assert_int_equal(out.end, s.end);
    stream_release(&s);
}

static void test_limit(void **state) {
    check_limit(*state, false);
    check_limit(*state, true);
}

/*
 * The frames of one thread, one after the other, go on where the last one ended; only the first can be read alone. More
 * blocks and stacks than the tables have numbers for, and distances beyond what they remember.
 */
static uint32_t encode_part(struct bench *b, struct columns_input *in, uint64_t until, struct columns_output *out) {
    in->end = until;
    assert_int_equal(columns_encode(b->columns, in, b->payload, out), 0);
    return out->count;
}

static uint64_t position_of(const struct stream *s, uint64_t position, uint32_t events) {
    while (events--) {
        uint64_t flat[4];
        for (unsigned w = 0; w < 4; w++) flat[w] = s->ring[(position + w) & (STREAM_RING_WORDS - 1)];
        struct trace_event event;
        position += (unsigned)decode_words(flat, 4, &event);
    }
    return position;
}

static void test_segments(void **state) {
    struct bench *b = *state;
    static const uint32_t parts[] = {2, 1000, 3, 100, 4}; /* of the events, a fraction */
    for (size_t p = 0; p < STREAM_PROFILES; p++) {
        struct stream s;
        stream_make(&s, &stream_profiles[p], stream_profiles[p].events * 5 / 2, p + 31);
        struct columns_input in = input_of(&s, (int)p & 1);
        in.thread = 7;
        uint32_t at = 0, count, continued = 0;
        uint64_t end = s.end;
        for (size_t part = 0; at < s.count; part++) {
            uint32_t wanted = stream_profiles[p].events / parts[part % 5];
            if (wanted > s.count - at) wanted = s.count - at;
            struct columns_output out;
            uint64_t until = position_of(&s, in.first, wanted);
            assert_int_equal(encode_part(b, &in, until, &out), wanted);
            if (!part) assert_false(out.continues);
            continued += out.continues;
            assert_int_equal(decode(b->decoder, b->payload, out.bytes, b->events, &count), 0);
            assert_int_equal(count, wanted);
            find_partners(s.events + at, count);
            check_fields(s.events + at, b->events, count);
            check_stamps(&in, s.events + at, b->events, count);
            at += count;
            in.first = until;
        }
        assert_int_equal(in.first, end);
        assert_true(continued > 0);
        stream_release(&s);
    }
}

/*
 * A frame that continues is refused by a state that lacks the one before; what did not become a frame is not built on.
 */
static void test_broken_segment(void **state) {
    struct bench *b = *state;
    struct stream s;
    struct columns_output out;
    uint32_t count;
    stream_make(&s, &stream_profiles[1], 3000, 4);
    struct columns_input in = input_of(&s, 0);
    in.thread = 9;
    uint64_t middle = position_of(&s, in.first, 2000), end = in.end;
    encode_part(b, &in, middle, &out);
    in.first = middle;
    encode_part(b, &in, end, &out);
    assert_true(out.continues);
    decode_forget(b->decoder);
    assert_int_equal(decode(b->decoder, b->payload, out.bytes, b->events, &count), -EBADMSG);
    columns_forget(b->columns);
    encode_part(b, &in, end, &out);
    assert_false(out.continues);
    assert_int_equal(decode(b->decoder, b->payload, out.bytes, b->events, &count), 0);
    in.thread = 10;
    in.first = out.end;
    encode_part(b, &in, in.first, &out);
    assert_false(out.continues);
    stream_release(&s);
}

/* A plain frame belongs to no segment, and ends that at work. */
static void test_plain_between(void **state) {
    struct bench *b = *state;
    struct stream s;
    struct columns_output out;
    uint32_t count;
    stream_make(&s, &stream_profiles[1], 3000, 6);
    struct columns_input in = input_of(&s, 0);
    in.thread = 9;
    uint64_t middle = position_of(&s, in.first, 2000), end = in.end;
    encode_part(b, &in, middle, &out);
    assert_int_equal(decode(b->decoder, b->payload, out.bytes, b->events, &count), 0);
    assert_int_equal(plain_encode(&in, b->payload, &out), 0);
    assert_false(out.continues);
    assert_int_equal(decode(b->decoder, b->payload, out.bytes, b->events, &count), 0);
    assert_int_equal(count, 2000);
    in.first = middle;
    encode_part(b, &in, end, &out);
    assert_true(out.continues);
    assert_int_equal(decode(b->decoder, b->payload, out.bytes, b->events, &count), -EBADMSG);
    stream_release(&s);
}

/* Alone a frame depends on its events only, whatever the state saw before. */
static void test_no_memory_between_frames(void **state) {
    struct bench *b = *state;
    for (unsigned p = 0; p < 3; p++) {
        struct stream s;
        struct columns_output used, fresh;
        stream_make(&s, &stream_profiles[p], 50 + 700 * p, p + 9);
        struct columns_input in = input_of(&s, 1);
        assert_int_equal(columns_encode(b->columns, &in, b->payload, &used), 0);
        struct columns *clean = aligned(columns_size());
        uint8_t *payload = malloc(columns_bound());
        assert_int_equal(columns_encode(clean, &in, payload, &fresh), 0);
        assert_int_equal(used.bytes, fresh.bytes);
        assert_memory_equal(b->payload, payload, used.bytes);
        free(clean);
        free(payload);
        stream_release(&s);
    }
}

static void check_refused(struct bench *b, bool plain, const uint64_t *words, unsigned count) {
    struct columns_output out;
    struct columns_input in = {.ring = words, .mask = 7, .first = 0, .end = count};
    assert_int_equal(encode(b, plain, &in, &out), -EINVAL);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.end, 3);
    uint32_t decoded;
    assert_int_equal(decode(b->decoder, b->payload, out.bytes, b->events, &decoded), 0);
    assert_int_equal(decoded, 1);
    assert_int_equal(b->events[0].address, 0x1000);
}

static void test_invalid_words(void **state) {
    const uint64_t alloc = 1 | 0x1000ull << 16;
    const struct {
        uint64_t words[8];
        unsigned count;
    } cases[] = {
        {{alloc, 5, 1ull << 32 | 16, 0, 7}, 5},                 /* kind 0 */
        {{alloc, 5, 1ull << 32 | 16, 99, 7}, 5},                /* a kind that does not exist */
        {{alloc, 5, 1ull << 32 | 16, alloc, 7}, 5},             /* cut */
        {{alloc, 5, 1ull << 32 | 16, 2}, 4},                    /* cut */
        {{alloc, 5, 1ull << 32 | 16, 2 | 1 << 8, 7, 8}, 6},     /* a free has no size */
        {{alloc, 5, 1ull << 32 | 16, 34 | 1 << 8, 7, 8, 9}, 7}, /* nor a control event a second one */
        {{alloc, 5, 1ull << 32 | 16, alloc | 1 << 8, 7, 8}, 6}, /* wide and cut */
        {{alloc, 5, 1ull << 32 | 16, 2 | 128 << 8, 7}, 5},      /* the decoders' flag */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int plain = 0; plain < 2; plain++) check_refused(*state, plain, cases[i].words, cases[i].count);
}

static void test_decode_words(void **state) {
    (void)state;
    struct stream s;
    stream_make(&s, &stream_profiles[1], 2000, 3);
    uint64_t position = s.first, flat[4];
    for (uint32_t i = 0; i < s.count; i++) {
        struct trace_event event;
        for (unsigned w = 0; w < 4; w++) flat[w] = s.ring[(position + w) & (STREAM_RING_WORDS - 1)];
        int used = decode_words(flat, 4, &event);
        assert_true(used >= 2);
        assert_int_equal(decode_words(flat, (size_t)used - 1, &event), -EBADMSG);
        check_fields(&s.events[i], &event, 1);
        assert_int_equal(event.stamp, s.events[i].stamp);
        position += (unsigned)used;
    }
    assert_int_equal(position, s.end);
    stream_release(&s);
}

static void test_column_sizes(void **state) {
    struct bench *b = *state;
    struct stream s;
    struct columns_output out;
    uint32_t sizes[DECODE_COLUMNS], sum = 0;
    stream_make(&s, &stream_profiles[1], 3000, 8);
    struct columns_input in = input_of(&s, 1);
    assert_int_equal(columns_encode(b->columns, &in, b->payload, &out), 0);
    assert_int_equal(decode_column_sizes(b->payload, out.bytes, sizes, DECODE_COLUMNS), 0);
    for (unsigned c = 0; c < DECODE_COLUMNS; c++) {
        sum += sizes[c];
        assert_non_null(decode_column_names[c]);
    }
    assert_true(sum < out.bytes && sum + 96 > out.bytes);
    assert_true(sizes[0] + sizes[1] > 0);
    assert_int_equal(decode_column_sizes(b->payload, out.bytes - 1, sizes, DECODE_COLUMNS), -EBADMSG);
    stream_release(&s);
}

static bool same_event(const struct trace_event *a, const struct trace_event *b) {
    return a->kind == b->kind && a->flags == b->flags && a->address == b->address && a->size == b->size &&
           a->stack == b->stack && a->partner == b->partner && a->stamp == b->stamp;
}

/* Damaged payloads are refused or decode to something; twice the same, with a state that saw other frames or none. */
static void check_damaged(struct bench *b, const uint8_t *raw, size_t length, struct decode_state *other,
                          struct trace_event *events) {
    uint32_t count = 0, again = 0;
    uint8_t *own = malloc(length ? length : 1);
    memcpy(own, raw, length);
    decode_forget(b->decoder);
    decode_forget(other);
    int result = decode(b->decoder, own, length, b->events, &count);
    assert_true(result == 0 || result == -EBADMSG);
    assert_int_equal(decode(other, own, length, events, &again), result);
    if (!result) {
        assert_int_equal(count, again);
        for (uint32_t i = 0; i < count; i++) assert_true(same_event(&b->events[i], &events[i]));
    }
    free(own);
}

static void test_damage(void **state) {
    struct bench *b = *state;
    struct decode_state *other = aligned(decode_state_size());
    struct trace_event *events = calloc(DECODE_MAX_EVENTS, sizeof *events);
    for (unsigned p = 0; p < 6; p++) {
        struct stream s;
        struct columns_output out;
        stream_make(&s, &stream_profiles[p / 2], 300, p + 21);
        struct columns_input in = input_of(&s, (int)p & 2);
        assert_int_equal(encode(b, p & 1, &in, &out), 0);
        for (uint32_t cut = 0; cut < out.bytes; cut++) {
            uint32_t count;
            assert_int_equal(decode(b->decoder, b->payload, cut, b->events, &count), -EBADMSG);
        }
        for (unsigned round = 0; round < 4000; round++) {
            uint32_t at = (uint32_t)(stream_draw(&s) % (round & 1 ? out.bytes : 32)),
                     with = 1 + (uint32_t)(stream_draw(&s) % 255);
            b->payload[at] ^= (uint8_t)with;
            check_damaged(b, b->payload, out.bytes, other, events);
            if (stream_draw(&s) & 3) b->payload[at] ^= (uint8_t)with; /* some stay */
        }
        stream_release(&s);
    }
    free(other);
    free(events);
}

static void test_zlib_gates(void **state) {
    (void)state;
    enum { LENGTH = 100000, ROOM = LENGTH + LENGTH / 4 };
    uint8_t *bytes = malloc(LENGTH), *stored = malloc(ROOM), *raw = malloc(LENGTH + 1);
    struct stream s = {.random = 4};
    for (size_t i = 0; i < LENGTH; i++) bytes[i] = (uint8_t)(i & 64 ? stream_draw(&s) : i);
    void *arena = aligned(deflate_size());
    assert_int_equal(deflate_init(arena, 10), -EINVAL);
    assert_int_equal(deflate_init(arena, -1), -EINVAL);
    for (int level = 0; level <= 9; level++) {
        size_t in_use = mallinfo2().uordblks;
        assert_int_equal(deflate_init(arena, level), 0);
        for (size_t length = LENGTH; length; length /= 3) {
            size_t packed = deflate_bytes(arena, bytes, length, stored, ROOM);
            assert_true(packed > 0);
            assert_int_equal(mallinfo2().uordblks, in_use); /* nothing from malloc */
            assert_int_equal(deflate_bytes(arena, bytes, length, stored, packed - 1), 0);
            packed = deflate_bytes(arena, bytes, length, stored, packed);
            assert_int_equal(inflate_bytes(stored, packed, raw, length), 0);
            assert_memory_equal(raw, bytes, length);
            assert_int_equal(inflate_bytes(stored, packed, raw, length - 1), -EBADMSG);
            assert_int_equal(inflate_bytes(stored, packed, raw, length + 1), -EBADMSG);
            assert_int_equal(inflate_bytes(stored, packed - 1, raw, length), -EBADMSG);
        }
    }
    size_t nothing = deflate_bytes(arena, bytes, 0, stored, ROOM);
    assert_int_equal(inflate_bytes(stored, nothing, raw, 0), 0);
    /* The check value of CRC-32/ISO-HDLC. */
    assert_int_equal(deflate_crc("123456789", 9), 0xcbf43926);
    assert_int_equal(inflate_crc("123456789", 9), 0xcbf43926);
    free(arena);
    free(bytes);
    free(stored);
    free(raw);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trips, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_every_small_count, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_limit, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_segments, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_broken_segment, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_plain_between, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory_between_frames, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_invalid_words, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_decode_words, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_column_sizes, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(test_damage, bench_setup, bench_teardown),
        cmocka_unit_test(test_zlib_gates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
