/*
 * The .eh_frame reader: binary search in .eh_frame_hdr, common and frame entry, then the row program, of which only the
 * CFA, rbp and the return address are followed. Follows libunwind where the standards leave a choice.
 */
#include "cfi.h"

#include "../include/trace_wire.h"

#include <errno.h>

enum { REGISTER_BP = 6, REGISTER_SP = 7, REGISTER_RA = 16 };

enum encoding { ENCODING_ABSOLUTE = 0x00, ENCODING_RELATIVE = 0x10, ENCODING_OMIT = 0xff };
enum { HDR_VERSION = 1, HDR_TABLE = 0x3b /* datarel, sdata4 */, HDR_ENTRY = 8 };

enum {
    CFA_ADVANCE = 0x40,
    CFA_OFFSET = 0x80,
    CFA_RESTORE = 0xc0,
    CFA_NOP = 0x00,
    CFA_SET_LOC = 0x01,
    CFA_ADVANCE1 = 0x02,
    CFA_ADVANCE2 = 0x03,
    CFA_ADVANCE4 = 0x04,
    CFA_OFFSET_EXTENDED = 0x05,
    CFA_RESTORE_EXTENDED = 0x06,
    CFA_UNDEFINED = 0x07,
    CFA_SAME_VALUE = 0x08,
    CFA_REGISTER = 0x09,
    CFA_REMEMBER = 0x0a,
    CFA_RESTORE_STATE = 0x0b,
    CFA_DEF = 0x0c,
    CFA_DEF_REGISTER = 0x0d,
    CFA_DEF_OFFSET = 0x0e,
    CFA_DEF_EXPRESSION = 0x0f,
    CFA_EXPRESSION = 0x10,
    CFA_OFFSET_EXTENDED_SF = 0x11,
    CFA_DEF_SF = 0x12,
    CFA_DEF_OFFSET_SF = 0x13,
    CFA_VAL_OFFSET = 0x14,
    CFA_VAL_OFFSET_SF = 0x15,
    CFA_VAL_EXPRESSION = 0x16,
    CFA_ARGS_SIZE = 0x2e,
    CFA_NEGATIVE_OFFSET = 0x2f,
};
enum { OP_DEREF = 0x06, OP_BREG0 = 0x70, OP_BREG31 = 0x8f };

struct entry {
    struct wire_reader common, own; /* the two row programs */
    uint64_t code_align;
    int64_t data_align;
    uint8_t encoding;
    bool augmented; /* the frame entry has augmentation data */
    bool signal;
    uintptr_t begin, end;
};

static int64_t get_sleb(struct wire_reader *r) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = wire_get_u8(r);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        if (byte & 0x40 && shift + 7 < 64) value |= ~0ull << (shift + 7);
        return (int64_t)value;
    }
    r->failed = true;
    return 0;
}

/* A value of DW_EH_PE format `encoding & 15`. */
static uint64_t get_formatted(struct wire_reader *r, uint8_t encoding) {
    switch (encoding & 0x0f) {
    case 0x00:
    case 0x04:
    case 0x0c: return wire_get_u64(r);
    case 0x01: return wire_get_varint(r);
    case 0x02: return wire_get_u16(r);
    case 0x03: return wire_get_u32(r);
    case 0x09: return (uint64_t)get_sleb(r);
    case 0x0a: return (uint64_t)(int64_t)(int16_t)wire_get_u16(r);
    case 0x0b: return (uint64_t)(int64_t)(int32_t)wire_get_u32(r);
    default: r->failed = true; return 0;
    }
}

static uintptr_t get_pointer(struct wire_reader *r, uint8_t encoding) {
    uintptr_t base = (encoding & 0xf0) == ENCODING_RELATIVE ? (uintptr_t)r->at : 0;
    if ((encoding & 0xf0) != ENCODING_RELATIVE && (encoding & 0xf0) != ENCODING_ABSOLUTE) r->failed = true;
    return base + get_formatted(r, encoding);
}

static void set(struct cfi_program *p, uint64_t number, struct cfi_place place) {
    if (number == REGISTER_BP) p->now.bp = place;
    if (number == REGISTER_RA) p->now.ra = place;
}

static void set_saved(struct cfi_program *p, uint64_t number, int64_t offset) {
    set(p, number, (struct cfi_place){CFI_SAVED, CFI_CFA, offset});
}

static void restore(struct cfi_program *p, uint64_t number) {
    if (number == REGISTER_BP) p->now.bp = p->initial.bp;
    if (number == REGISTER_RA) p->now.ra = p->initial.ra;
}

static void define_cfa(struct cfi_program *p, uint64_t base, int64_t offset) {
    p->now.cfa_known = true;
    p->now.cfa_deref = false;
    p->now.cfa_base = base;
    p->now.cfa_offset = offset;
}

/*
 * An expression of the forms "register + offset" and "word at register + offset", all that compilers emit but for PLTs.
 */
static bool read_expression(struct wire_reader *r, uint8_t *base, int64_t *offset, bool *deref) {
    uint64_t length = wire_get_varint(r);
    const uint8_t *bytes = wire_get_bytes(r, length);
    if (!bytes) return false;
    struct wire_reader e = wire_reader(bytes, length);
    uint8_t op = wire_get_u8(&e);
    *base = (uint8_t)(op - OP_BREG0);
    *offset = get_sleb(&e);
    *deref = wire_left(&e) == 1 && wire_get_u8(&e) == OP_DEREF;
    return op >= OP_BREG0 && op <= OP_BREG31 && !e.failed && wire_left(&e) == 0;
}

static void define_cfa_expression(struct cfi_program *p, struct wire_reader *r) {
    uint8_t base = 0;
    int64_t offset = 0;
    bool deref = false;
    bool understood = read_expression(r, &base, &offset, &deref);
    define_cfa(p, base, offset);
    p->now.cfa_known = understood;
    p->now.cfa_deref = deref;
}

static void set_expression(struct cfi_program *p, struct wire_reader *r) {
    uint64_t number = wire_get_varint(r);
    struct cfi_place place = {CFI_SAVED, 0, 0};
    bool deref = false;
    if (!read_expression(r, &place.base, &place.offset, &deref) || deref) place.where = CFI_OTHER;
    set(p, number, place);
}

static void skip_block(struct wire_reader *r) { wire_get_bytes(r, wire_get_varint(r)); }

static void remember(struct cfi_program *p, struct wire_reader *r) {
    if (p->depth == CFI_REMEMBERED) r->failed = true;
    else p->remembered[p->depth++] = p->now;
}

static void restore_state(struct cfi_program *p, struct wire_reader *r) {
    if (p->depth == 0) r->failed = true;
    else p->now = p->remembered[--p->depth];
}

static void step_cfa(struct cfi_program *p, struct wire_reader *r, uint8_t op) {
    int64_t factor = p->data_align;
    uint64_t number;
    switch (op) {
    case CFA_DEF:
        number = wire_get_varint(r);
        define_cfa(p, number, (int64_t)wire_get_varint(r));
        break;
    case CFA_DEF_SF:
        number = wire_get_varint(r);
        define_cfa(p, number, get_sleb(r) * factor);
        break;
    case CFA_DEF_REGISTER: define_cfa(p, wire_get_varint(r), p->now.cfa_offset); break;
    case CFA_DEF_OFFSET_SF: p->now.cfa_offset = get_sleb(r) * factor; break;
    default: define_cfa_expression(p, r); break;
    }
}

static void step_register(struct cfi_program *p, struct wire_reader *r, uint8_t op) {
    int64_t factor = p->data_align;
    uint64_t number = wire_get_varint(r);
    switch (op) {
    case CFA_OFFSET_EXTENDED: set_saved(p, number, (int64_t)wire_get_varint(r) * factor); break;
    case CFA_OFFSET_EXTENDED_SF: set_saved(p, number, get_sleb(r) * factor); break;
    case CFA_NEGATIVE_OFFSET: set_saved(p, number, -(int64_t)wire_get_varint(r) * factor); break;
    case CFA_RESTORE_EXTENDED: restore(p, number); break;
    case CFA_UNDEFINED: set(p, number, (struct cfi_place){CFI_UNDEFINED, 0, 0}); break;
    case CFA_SAME_VALUE: set(p, number, (struct cfi_place){CFI_SAME, 0, 0}); break;
    case CFA_VAL_EXPRESSION:
        skip_block(r);
        set(p, number, (struct cfi_place){CFI_OTHER, 0, 0});
        break;
    default: /* REGISTER, VAL_OFFSET(_SF): one operand of either sign, never met for these registers */
        get_sleb(r);
        set(p, number, (struct cfi_place){CFI_OTHER, 0, 0});
        break;
    }
}

static void step_extended(struct cfi_program *p, struct wire_reader *r, uint8_t op) {
    switch (op) {
    case CFA_DEF:
    case CFA_DEF_SF:
    case CFA_DEF_REGISTER:
    case CFA_DEF_OFFSET_SF:
    case CFA_DEF_EXPRESSION: step_cfa(p, r, op); break;
    case CFA_EXPRESSION: set_expression(p, r); break;
    case CFA_OFFSET_EXTENDED:
    case CFA_OFFSET_EXTENDED_SF:
    case CFA_NEGATIVE_OFFSET:
    case CFA_RESTORE_EXTENDED:
    case CFA_UNDEFINED:
    case CFA_SAME_VALUE:
    case CFA_REGISTER:
    case CFA_VAL_OFFSET:
    case CFA_VAL_OFFSET_SF:
    case CFA_VAL_EXPRESSION: step_register(p, r, op); break;
    case CFA_ARGS_SIZE: wire_get_varint(r); break;
    default: r->failed = true; break;
    }
}

/*
 * What long programs consist of: rows of an advance and an offset of one byte, some hundred of them before the row of
 * an address in a large function. Stops in front of all else. Returns the location.
 */
static inline uintptr_t run_rows(struct cfi_program *p, struct wire_reader *r, uintptr_t location, uintptr_t address) {
    const uint8_t *at = r->at, *end = r->end;
    const uint64_t code_align = p->code_align;
    int64_t offset = p->now.cfa_offset;
    while (end - at > 1 && location <= address) {
        uint8_t op = at[0], operand = at[1];
        if ((op & 0xc0) == CFA_ADVANCE) {
            location += (op & 0x3f) * code_align;
            at++;
            continue;
        }
        if (op == CFA_DEF_OFFSET && operand < 0x80) offset = operand;
        else if (op == CFA_ADVANCE1) location += operand * code_align;
        else break;
        at += 2;
    }
    r->at = at;
    p->now.cfa_offset = offset;
    return location;
}

/* Runs up to and including the row of `address`. */
static bool run(struct cfi_program *p, struct wire_reader r, uintptr_t location, uintptr_t address) {
    const uint64_t code_align = p->code_align;
    for (;;) {
        location = run_rows(p, &r, location, address);
        if (!wire_left(&r) || location > address || r.failed) return !r.failed;
        uint8_t op = wire_get_u8(&r), operand = op & 0x3f;
        switch (op & 0xc0 ? op & 0xc0 : op) {
        case CFA_ADVANCE: location += operand * code_align; break;
        case CFA_ADVANCE1: location += wire_get_u8(&r) * code_align; break;
        case CFA_ADVANCE2: location += wire_get_u16(&r) * code_align; break;
        case CFA_ADVANCE4: location += wire_get_u32(&r) * code_align; break;
        case CFA_SET_LOC: location = get_pointer(&r, p->encoding); break;
        case CFA_DEF_OFFSET: p->now.cfa_offset = (int64_t)wire_get_varint(&r); break;
        case CFA_OFFSET: set_saved(p, operand, (int64_t)wire_get_varint(&r) * p->data_align); break;
        case CFA_RESTORE: restore(p, operand); break;
        case CFA_REMEMBER: remember(p, &r); break;
        case CFA_RESTORE_STATE: restore_state(p, &r); break;
        case CFA_NOP: break;
        default: step_extended(p, &r, op); break;
        }
    }
}

/* A record of .eh_frame: `*id_at` is where its id field stands. */
static struct wire_reader open_record(const struct module *module, uintptr_t at, uintptr_t *id_at) {
    struct wire_reader none = {NULL, NULL, true};
    if (at < module->tables_start || at >= module->tables_end) return none;
    struct wire_reader r = wire_reader((const void *)at, module->tables_end - at); // NOLINT(performance-no-int-to-ptr)
    uint64_t length = wire_get_u32(&r);
    if (length == 0xffffffffu) length = wire_get_u64(&r);
    *id_at = (uintptr_t)r.at;
    const uint8_t *bytes = wire_get_bytes(&r, length);
    return bytes && length ? wire_reader(bytes, length) : none;
}

/* Augmentation data of the common entry: what stands in it is named by letters. */
static void read_augmentation(struct entry *entry, struct wire_reader *r, const char *letters) {
    struct wire_reader data = {NULL, NULL, false};
    if (*letters == 'z') {
        uint64_t length = wire_get_varint(r);
        const uint8_t *bytes = wire_get_bytes(r, length);
        data = wire_reader(bytes, bytes ? length : 0);
        entry->augmented = true;
        letters++;
    }
    for (; *letters; letters++) {
        if (*letters == 'R') entry->encoding = wire_get_u8(&data);
        else if (*letters == 'L') wire_get_u8(&data);
        else if (*letters == 'P') get_formatted(&data, wire_get_u8(&data));
        else if (*letters == 'S') entry->signal = true;
        else if (*letters != 'B') data.failed = true;
    }
    if (data.failed) r->failed = true;
}

static bool read_common(struct entry *entry, const struct module *module, uintptr_t at) {
    uintptr_t id_at = 0;
    struct wire_reader r = open_record(module, at, &id_at);
    if (wire_get_u32(&r) != 0) r.failed = true;
    uint8_t version = wire_get_u8(&r);
    const char *letters = (const char *)r.at;
    while (wire_get_u8(&r)) {}
    if (r.failed || (version != 1 && version != 3)) return false;
    entry->encoding = ENCODING_ABSOLUTE;
    entry->code_align = wire_get_varint(&r);
    entry->data_align = get_sleb(&r);
    uint64_t column = version == 1 ? wire_get_u8(&r) : wire_get_varint(&r);
    read_augmentation(entry, &r, letters);
    entry->common = r;
    return !r.failed && column == REGISTER_RA;
}

static bool read_entry(struct entry *entry, const struct module *module, uintptr_t at) {
    uintptr_t id_at = 0;
    struct wire_reader r = open_record(module, at, &id_at);
    uint32_t back = wire_get_u32(&r);
    if (r.failed || back == 0 || !read_common(entry, module, id_at - back)) return false;
    entry->begin = get_pointer(&r, entry->encoding);
    entry->end = entry->begin + get_formatted(&r, entry->encoding & 0x0f);
    if (entry->augmented) skip_block(&r);
    entry->own = r;
    return !r.failed;
}

/* Address of the frame entry whose range begins last at or before `address`; 0: none or not understood. */
static uintptr_t search(const struct module *module, uintptr_t address, int *error) {
    uintptr_t base = (uintptr_t)module->eh_frame_hdr;
    struct wire_reader r = wire_reader(module->eh_frame_hdr, module->eh_frame_hdr_length);
    uint8_t version = wire_get_u8(&r), start = wire_get_u8(&r), count_encoding = wire_get_u8(&r);
    uint8_t table = wire_get_u8(&r);
    get_pointer(&r, start);
    uint64_t count = get_formatted(&r, count_encoding);
    const uint8_t *entries = r.at;
    *error = -EINVAL;
    if (r.failed || version != HDR_VERSION || table != HDR_TABLE || count > wire_left(&r) / HDR_ENTRY) return 0;
    *error = -ENOENT;
    uint64_t low = 0, high = count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        struct wire_reader e = wire_reader(entries + middle * HDR_ENTRY, HDR_ENTRY);
        if (address < base + (uintptr_t)(int64_t)(int32_t)wire_get_u32(&e)) high = middle;
        else low = middle + 1;
    }
    if (high == 0) return 0;
    struct wire_reader e = wire_reader(entries + (high - 1) * HDR_ENTRY + 4, 4);
    return base + (uintptr_t)(int64_t)(int32_t)wire_get_u32(&e);
}

int cfi_find(const struct module *module, uintptr_t address, struct cfi_program *program) {
    struct entry entry = {0};
    int error;
    if (!module->eh_frame_hdr_length) return -ENOENT;
    if (!module->tables_start) return -EINVAL;
    uintptr_t at = search(module, address, &error);
    if (!at) return error;
    if (!read_entry(&entry, module, at)) return -EINVAL;
    if (address < entry.begin || address >= entry.end) return -ENOENT;
    program->code_align = entry.code_align;
    program->data_align = entry.data_align;
    program->encoding = entry.encoding;
    program->depth = 0;
    program->now = (struct cfi_row){.signal = entry.signal};
    if (!run(program, entry.common, 0, UINTPTR_MAX)) return -EINVAL;
    program->initial = program->now;
    return run(program, entry.own, entry.begin, address) ? 0 : -EINVAL;
}
