/*
 * What DWARF says of an address. See debug_info.h.
 *
 * A name is put together from the scopes that its declaration lies in, unless the compiler left the linker's name,
 * which is demangled. Both are looked up in tables that one walk over the unit's tree fills.
 */
#include "debug_info.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "demangle.h"
#include "ranges.h"

enum { TREE_DEPTH_MAX = 200, INLINE_DEPTH_MAX = 128, ORIGIN_STEPS_MAX = 16, NO_SCOPE = -1 };

struct scope { /* a namespace, class or function that names are qualified with */
    const char *name;
    int parent; /* index, or NO_SCOPE */
};

struct place { /* where a function's description lies, and in which scope */
    Dwarf_Off offset;
    int scope;
};

struct unit {
    Dwarf_Die die;
    bool walked;
    struct ranges ranges; /* values: indices of functions */
    Dwarf_Die *functions;
    size_t function_count;
    struct scope *scopes;
    size_t scope_count;
    struct place *places; /* by offset */
    size_t place_count;
};

struct debug_info {
    Dwarf *dwarf;
    Dwarf_Addr bias;
    bool units_read;
    struct unit *units; /* read when first needed */
    size_t unit_count;
    struct ranges unit_ranges; /* values: indices of units */
};

struct debug_info *debug_info_new(Dwarf *dwarf, Dwarf_Addr bias) {
    struct debug_info *info = malloc(sizeof *info);
    if (info) *info = (struct debug_info){.dwarf = dwarf, .bias = bias};
    return info;
}

static void release_unit(struct unit *unit) {
    ranges_release(&unit->ranges);
    free(unit->functions);
    free(unit->scopes);
    free(unit->places);
}

void debug_info_free(struct debug_info *info) {
    if (!info) return;
    for (size_t i = 0; i < info->unit_count; i++) release_unit(&info->units[i]);
    free(info->units);
    ranges_release(&info->unit_ranges);
    free(info);
}

/* Units, and the tables of one. */

/* In split debug information `skeleton` has the addresses, and `die` all the rest. */
static void add_unit(struct debug_info *info, Dwarf_Die *skeleton, Dwarf_Die *die) {
    struct unit *unit = LIST_ADD(info->units, info->unit_count);
    if (!unit) return;
    *unit = (struct unit){.die = *die};
    Dwarf_Addr base, low, high;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(skeleton, at, &base, &low, &high)) > 0;)
        if (low && ranges_add(&info->unit_ranges, low, high, info->unit_count - 1))
            return; /* 0: a section that the linker dropped */
}

static void read_units(struct debug_info *info) {
    Dwarf_CU *cu = NULL;
    Dwarf_Die die, split;
    uint8_t type;
    info->units_read = true;
    while (dwarf_get_units(info->dwarf, cu, &cu, NULL, &type, &die, &split) == 0) {
        if (type == DW_UT_skeleton) add_unit(info, &die, dwarf_tag(&split) == DW_TAG_invalid ? &die : &split);
        else if (type == DW_UT_compile) add_unit(info, &die, &die);
    }
}

static bool names_a_scope(int tag) {
    static const int tags[] = {DW_TAG_namespace, DW_TAG_class_type, DW_TAG_structure_type, DW_TAG_union_type,
                               DW_TAG_subprogram};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (tag == tags[i]) return true;
    return false;
}

static int add_scope(struct unit *unit, Dwarf_Die *die, int parent) {
    const char *name = dwarf_diename(die);
    if (!name && dwarf_tag(die) == DW_TAG_namespace) name = "(anonymous namespace)";
    struct scope *scope = name ? LIST_ADD(unit->scopes, unit->scope_count) : NULL;
    if (!scope) return parent;
    *scope = (struct scope){name, parent};
    return (int)unit->scope_count - 1;
}

static void add_function(struct unit *unit, Dwarf_Die *die, int scope) {
    struct place *place = LIST_ADD(unit->places, unit->place_count);
    if (place) *place = (struct place){dwarf_dieoffset(die), scope};
    Dwarf_Addr base, low, high;
    size_t index = unit->function_count;
    bool added = false;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &low, &high)) > 0;)
        added |= low && ranges_add(&unit->ranges, low, high, index) == 0;
    Dwarf_Die *function = added ? LIST_ADD(unit->functions, unit->function_count) : NULL;
    if (function) *function = *die;
}

/* Methods of local classes are described inside functions, so the whole tree is walked. */
static void walk(struct unit *unit, Dwarf_Die *parent, int scope, int depth) {
    Dwarf_Die die;
    if (depth > TREE_DEPTH_MAX || dwarf_child(parent, &die) != 0) return;
    do {
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_subprogram) add_function(unit, &die, scope);
        if (dwarf_haschildren(&die))
            walk(unit, &die, names_a_scope(tag) ? add_scope(unit, &die, scope) : scope, depth + 1);
    } while (dwarf_siblingof(&die, &die) == 0);
}

static struct unit *unit_at(struct debug_info *info, Dwarf_Addr address) {
    if (!info->units_read) read_units(info);
    size_t index = ranges_find(&info->unit_ranges, address);
    if (index >= info->unit_count) return NULL;
    struct unit *unit = &info->units[index];
    if (!unit->walked) walk(unit, &unit->die, NO_SCOPE, 0);
    unit->walked = true;
    return unit;
}

/* Names. */

static int compare_places(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The description that carries the name: behind copies and inlined instances, in the class that declares it. */
static Dwarf_Die declaration(const Dwarf_Die *die) {
    Dwarf_Die at = *die;
    for (int i = 0; i < ORIGIN_STEPS_MAX; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die next;
        if (!dwarf_attr(&at, DW_AT_abstract_origin, &attribute) && !dwarf_attr(&at, DW_AT_specification, &attribute))
            break;
        if (!dwarf_formref_die(&attribute, &next)) break;
        at = next;
    }
    return at;
}

static int scope_of(const struct unit *unit, const Dwarf_Die *die) {
    Dwarf_Die named = declaration(die), ours, theirs;
    Dwarf_Die copy = unit->die;
    if (!dwarf_diecu(&named, &theirs, NULL, NULL) || !dwarf_diecu(&copy, &ours, NULL, NULL) || ours.addr != theirs.addr)
        return NO_SCOPE;
    const struct place key = {.offset = dwarf_dieoffset(&named)};
    const struct place *found =
        unit->place_count ? bsearch(&key, unit->places, unit->place_count, sizeof key, compare_places) : NULL;
    return found ? found->scope : NO_SCOPE;
}

/* a::b::name; malloc'd. */
static char *qualified(const struct unit *unit, int scope, const char *name) {
    char *text = strdup(name);
    for (int depth = 0; text && scope != NO_SCOPE && depth < TREE_DEPTH_MAX;
         scope = unit->scopes[scope].parent, depth++) {
        char *longer;
        if (asprintf(&longer, "%s::%s", unit->scopes[scope].name, text) < 0) longer = NULL;
        free(text);
        text = longer;
    }
    return text;
}

/* malloc'd, or NULL. */
static char *function_name(const struct unit *unit, Dwarf_Die *die) {
    Dwarf_Attribute attribute;
    const char *linkage = NULL, *plain = dwarf_diename(die);
    if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
        dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
        linkage = dwarf_formstring(&attribute);
    if (linkage) return demangle(linkage);
    char *name = plain ? qualified(unit, scope_of(unit, die), plain) : NULL;
    if (name) shorten_name(name);
    return name;
}

/* Frames. */

static int64_t number(Dwarf_Die *die, unsigned name) {
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    return dwarf_attr(die, name, &attribute) && dwarf_formudata(&attribute, &value) == 0 ? (int64_t)value : 0;
}

static const char *call_file(Dwarf_Die *die) {
    Dwarf_Die unit;
    Dwarf_Files *files;
    size_t count, index = (size_t)number(die, DW_AT_call_file);
    if (!dwarf_diecu(die, &unit, NULL, NULL) || dwarf_getsrcfiles(&unit, &files, &count) || index >= count) return NULL;
    return dwarf_filesrc(files, index, NULL, NULL);
}

/* The inlined functions at the address, outermost first. */
static size_t inlined_at(Dwarf_Die *function, Dwarf_Addr address, Dwarf_Die *chain) {
    size_t count = 0;
    Dwarf_Die die;
    bool more = dwarf_child(function, &die) == 0;
    while (more) {
        int tag = dwarf_tag(&die);
        bool block = tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block;
        if (block && dwarf_haspc(&die, address) == 1) {
            if (tag == DW_TAG_inlined_subroutine && count < INLINE_DEPTH_MAX) chain[count++] = die;
            more = dwarf_child(&die, &die) == 0;
        } else {
            more = dwarf_siblingof(&die, &die) == 0;
        }
    }
    return count;
}

static void emit_line(struct unit *unit, Dwarf_Addr address, struct image_frame *frame) {
    int line = 0;
    Dwarf_Line *found = dwarf_getsrc_die(&unit->die, address);
    if (!found) return;
    frame->file = dwarf_linesrc(found, NULL, NULL);
    if (dwarf_lineno(found, &line) == 0) frame->line = line;
}

/* Each inlined function is at the line so far, and was called at the one that its description gives. */
static void emit_chain(const struct unit *unit, Dwarf_Die *chain, size_t count, struct image_frame *frame,
                       image_emit *emit, void *context) {
    while (count-- > 0) {
        char *name = function_name(unit, &chain[count]);
        frame->function = name;
        frame->inlined = true;
        emit(context, frame);
        free(name);
        *frame = (struct image_frame){.file = call_file(&chain[count]), .line = number(&chain[count], DW_AT_call_line)};
    }
}

bool debug_info_lookup(struct debug_info *info, Dwarf_Addr address, image_emit *emit, void *context) {
    Dwarf_Die chain[INLINE_DEPTH_MAX];
    struct image_frame frame = {0};
    address -= info->bias;
    struct unit *unit = unit_at(info, address);
    if (!unit) return false;
    size_t index = ranges_find(&unit->ranges, address);
    Dwarf_Die *function = index < unit->function_count ? &unit->functions[index] : NULL;
    emit_line(unit, address, &frame);
    if (function) emit_chain(unit, chain, inlined_at(function, address, chain), &frame, emit, context);
    char *name = function ? function_name(unit, function) : NULL;
    frame.function = name;
    frame.inlined = false;
    emit(context, &frame);
    free(name);
    return true;
}
