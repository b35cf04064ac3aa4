/*
 * Stacks in few bytes. See html_stacks.h. jansson's objects are the hash tables: a key to the number of what has it.
 */
#include "html_stacks.h"

#include <stdbool.h>

#include "json_writer.h"

/* Lists in which everything stands once. */

struct once {
    json_t *list, *numbers; /* numbers: object from key to number */
};

static bool once_begin(struct once *once) {
    *once = (struct once){json_array(), json_object()};
    return once->list && once->numbers;
}

static void once_end(struct once *once) {
    json_decref(once->list);
    json_decref(once->numbers);
}

/* The number of what has this key, -1 for a new one: to be appended, and the number is that of its place. */
static json_int_t once_find(struct once *once, const char *key, size_t place) {
    json_t *number = json_object_get(once->numbers, key);
    if (number) return json_integer_value(number);
    json_object_set_new_nocheck(once->numbers, key, json_integer((json_int_t)place));
    return -1;
}

struct pack {
    struct once texts, frames, nodes;
};

static json_int_t number_of_text(struct pack *pack, const json_t *frame, const char *name) {
    json_t *text = json_object_get(frame, name);
    if (!json_is_string(text)) return -1;
    size_t place = json_array_size(pack->texts.list);
    json_int_t number = once_find(&pack->texts, json_string_value(text), place);
    if (number >= 0) return number;
    json_array_append(pack->texts.list, text);
    return (json_int_t)place;
}

static json_int_t number_of_frame(struct pack *pack, const json_t *frame) {
    char key[128];
    json_int_t function = number_of_text(pack, frame, "function"), file = number_of_text(pack, frame, "file");
    json_int_t module = number_of_text(pack, frame, "module"),
               line = json_integer_value(json_object_get(frame, "line"));
    json_int_t offset = json_integer_value(json_object_get(frame, "offset"));
    int inlined = json_is_true(json_object_get(frame, "inlined"));
    size_t place = json_array_size(pack->frames.list);
    snprintf(key, sizeof key, "%lld,%lld,%lld,%lld,%lld,%d", (long long)function, (long long)file, (long long)line,
             (long long)module, (long long)offset, inlined);
    json_int_t number = once_find(&pack->frames, key, place);
    if (number >= 0) return number;
    json_array_append_new(pack->frames.list, json_pack("[I,I,I,I,I,i]", function, file, line, module, offset, inlined));
    return (json_int_t)place;
}

/* Two numbers a node. */
static json_int_t number_of_node(struct pack *pack, json_int_t parent, const json_t *frame) {
    char key[64];
    json_int_t frame_number = number_of_frame(pack, frame);
    size_t place = json_array_size(pack->nodes.list) / 2;
    snprintf(key, sizeof key, "%lld,%lld", (long long)parent, (long long)frame_number);
    json_int_t number = once_find(&pack->nodes, key, place);
    if (number >= 0) return number;
    json_array_append_new(pack->nodes.list, json_integer(parent));
    json_array_append_new(pack->nodes.list, json_integer(frame_number));
    return (json_int_t)place;
}

static json_int_t node_of(struct pack *pack, const json_t *stack) {
    json_int_t node = -1;
    for (size_t i = json_array_size(stack); i-- > 0;) node = number_of_node(pack, node, json_array_get(stack, i));
    return node;
}

static void pack_site(struct pack *pack, json_t *site) {
    static const char *const told[] = {"function", "file", "line", "module"};
    json_int_t node = node_of(pack, json_object_get(site, "stack"));
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) json_object_del(site, told[i]);
    json_object_set_new(site, "stack", json_integer(node));
}

json_t *html_pack_stacks(json_t *data) {
    struct pack pack = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
    if (once_begin(&pack.texts) && once_begin(&pack.frames) && once_begin(&pack.nodes)) {
        json_t *sites = json_object_get(data, "sites");
        for (size_t i = 0; i < json_array_size(sites); i++) pack_site(&pack, json_array_get(sites, i));
        data = with(data, "texts", json_incref(pack.texts.list));
        data = with(data, "frames", json_incref(pack.frames.list));
        data = with(data, "nodes", json_incref(pack.nodes.list));
    } else {
        json_decref(data);
        data = NULL;
    }
    once_end(&pack.texts);
    once_end(&pack.frames);
    once_end(&pack.nodes);
    return data;
}
