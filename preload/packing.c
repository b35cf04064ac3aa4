/*
 * Chooses the way of each column (packing.h). A large column begins a part, which it shares with the small ones behind
 * it.
 */
#include "packing.h"

#include <stdbool.h>

struct parts {
    struct deflate_part part[COLUMNS_PARTS + 1];
    unsigned column[COLUMNS_PARTS + 1]; /* the large one that it begins with; in the first there may be none */
    unsigned count;
};

/* What comes before the columns belongs to the first part. */
static struct parts divide(const struct packing *p, size_t length, const uint32_t *columns) {
    struct parts parts = {.count = 1};
    for (unsigned c = 0; c < COLUMNS_PARTS; c++) length -= columns[c];
    parts.part[0].length = length;
    for (unsigned c = 0; c < COLUMNS_PARTS; c++) {
        if (columns[c] >= PACKING_LARGE) {
            parts.part[parts.count].way = p->ways[c];
            parts.column[parts.count++] = c;
        }
        parts.part[parts.count - 1].length += columns[c];
    }
    if (parts.count > 1 && parts.part[0].length < PACKING_TINY) parts.part[0].way = parts.part[1].way;
    return parts;
}

static uint32_t rate_of(const struct deflate_part *part) { return (uint32_t)(part->packed * 256 / part->length); }

/* What the way of a column that makes a few bytes is worth does not pay for trying all columns. */
static bool is_noticeable(size_t bytes, size_t all) { return bytes > all / 8; }

static enum deflate_way other_way(enum deflate_way way) {
    return way == DEFLATE_MATCHES ? DEFLATE_SYMBOLS : DEFLATE_MATCHES;
}

static void turn_ways(struct parts *parts) {
    for (unsigned i = 1; i < parts->count; i++) parts->part[i].way = other_way(parts->part[i].way);
}

/* Of a part that was packed either way. */
static const struct deflate_part *better(const struct deflate_part *one, const struct deflate_part *other) {
    const struct deflate_part *matches = one->way == DEFLATE_MATCHES ? one : other;
    const struct deflate_part *symbols = one->way == DEFLATE_MATCHES ? other : one;
    bool even = symbols->packed <= matches->packed + matches->packed / 64;
    return even || deflate_is_noise(matches->length, matches->packed) ? symbols : matches;
}

/* Each column goes the better way from the next frame on. The more of them did before, the later is the next trial. */
static void choose_ways(struct packing *p, const struct parts *parts, const struct parts *turned) {
    size_t changed = 0, all = 0;
    for (unsigned i = 1; i < parts->count; i++) {
        const struct deflate_part *part = better(&parts->part[i], &turned->part[i]);
        unsigned column = parts->column[i];
        if (p->ways[column] != part->way) changed += part->packed;
        all += part->packed;
        p->ways[column] = part->way;
        p->rates[column] = rate_of(part);
    }
    bool again = is_noticeable(changed, all) || !p->apart;
    p->apart = again ? 2 : p->apart < PACKING_TRIALS_APART ? 2 * p->apart : PACKING_TRIALS_APART;
    p->frames = p->apart;
}

/* Columns that pack otherwise than in the last trial are others. */
static void look_at_rates(struct packing *p, const struct parts *parts) {
    size_t changed = 0, all = 0;
    for (unsigned i = 1; i < parts->count; i++) {
        uint32_t rate = rate_of(&parts->part[i]), before = p->rates[parts->column[i]];
        all += parts->part[i].packed;
        if (rate > before + before / 4 + 2 || before > rate + rate / 4 + 2) changed += parts->part[i].packed;
    }
    if (is_noticeable(changed, all)) p->frames = 0;
}

size_t packing_pack(struct packing *p, void *deflate, const uint8_t *payload, size_t length,
                    const uint32_t columns[COLUMNS_PARTS], uint8_t *out, size_t capacity) {
    struct parts parts = divide(p, length, columns), turned = parts;
    bool trial = !p->frames && parts.count > 1;
    turn_ways(&turned);
    if (trial && !deflate_parts(deflate, payload, turned.part, turned.count, out, capacity)) trial = false;
    size_t packed = deflate_parts(deflate, payload, parts.part, parts.count, out, capacity);
    if (!packed) return 0;
    if (p->frames) p->frames--;
    if (trial) choose_ways(p, &parts, &turned);
    else look_at_rates(p, &parts);
    return packed;
}
