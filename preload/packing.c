/*
 * Chooses the way of each column (packing.h). A large column begins a part, which it shares with the small ones behind it.
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

static size_t pack_by(enum deflate_way way, struct parts *parts, void *deflate, const uint8_t *payload, uint8_t *out,
                      size_t capacity) {
    for (unsigned i = 1; i < parts->count; i++) parts->part[i].way = way;
    return deflate_parts(deflate, payload, parts->part, parts->count, out, capacity);
}

static uint32_t rate_of(const struct deflate_part *part) { return (uint32_t)(part->packed * 256 / part->length); }

/* What the way of a column that makes a few bytes is worth does not pay for trying all columns. */
static bool is_noticeable(size_t bytes, size_t all) { return bytes > all / 8; }

/* Returns whether another way than before turned out to be the better one for a noticeable part. */
static bool try_ways(struct packing *p, struct parts *parts, void *deflate, const uint8_t *payload, uint8_t *out,
                     size_t capacity) {
    struct parts by_symbols = *parts;
    size_t changed = 0, all = 0;
    if (!pack_by(DEFLATE_MATCHES, parts, deflate, payload, out, capacity)) return false;
    if (!pack_by(DEFLATE_SYMBOLS, &by_symbols, deflate, payload, out, capacity)) return false;
    for (unsigned i = 1; i < parts->count; i++) {
        unsigned column = parts->column[i];
        struct deflate_part *part = &parts->part[i], *other = &by_symbols.part[i];
        if (other->packed <= part->packed + part->packed / 64 || deflate_is_noise(part->length, part->packed))
            *part = *other;
        if (p->ways[column] != part->way) changed += part->packed;
        all += part->packed;
        p->ways[column] = part->way;
        p->rates[column] = rate_of(part);
    }
    return is_noticeable(changed, all);
}

static void trial(struct packing *p, struct parts *parts, void *deflate, const uint8_t *payload, uint8_t *out,
                  size_t capacity) {
    bool changed = try_ways(p, parts, deflate, payload, out, capacity);
    p->apart = changed || !p->apart ? 2 : p->apart < PACKING_TRIALS_APART ? 2 * p->apart : PACKING_TRIALS_APART;
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
    struct parts parts = divide(p, length, columns);
    if (p->frames) p->frames--;
    else if (parts.count > 1) trial(p, &parts, deflate, payload, out, capacity);
    size_t packed = deflate_parts(deflate, payload, parts.part, parts.count, out, capacity);
    look_at_rates(p, &parts);
    return packed;
}
