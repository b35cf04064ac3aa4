/*
 * Frames in a tree of the C library, with an array in the order of their first use.
 */
#include "frames.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"

struct numbered {
    const struct report_frame *frame;
    size_t number;
};

struct frame_numbers {
    void *tree;
    struct numbered **items;
    size_t count;
};

static int compare_texts(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : ""); }

static int compare(const void *a, const void *b) {
    const struct report_frame *x = ((const struct numbered *)a)->frame, *y = ((const struct numbered *)b)->frame;
    int order = compare_texts(x->function, y->function);
    if (!order) order = compare_texts(x->file, y->file);
    if (!order) order = compare_texts(x->module, y->module);
    if (!order && x->line != y->line) order = x->line < y->line ? -1 : 1;
    return order;
}

static struct numbered *lookup(const struct frame_numbers *numbers, const struct report_frame *frame) {
    void *node = tfind(&(struct numbered){.frame = frame}, &numbers->tree, compare);
    return node ? *(struct numbered **)node : NULL;
}

static int add(struct frame_numbers *numbers, const struct report_frame *frame) {
    if (lookup(numbers, frame)) return 0;
    if (!list_make_room(&numbers->items, numbers->count, sizeof *numbers->items)) return -1;
    struct numbered *item = malloc(sizeof *item);
    if (!item) return -1;
    *item = (struct numbered){frame, numbers->count};
    numbers->items[numbers->count++] = item;
    return tsearch(item, &numbers->tree, compare) ? 0 : -1;
}

static int add_all(struct frame_numbers *numbers, const struct report *report) {
    int error = 0;
    for (size_t i = 0; i < report->site_count; i++)
        for (size_t k = 0; k < report->sites[i].depth && !error; k++) error = add(numbers, &report->sites[i].stack[k]);
    return error;
}

struct frame_numbers *frame_numbers_of(const struct report *report) {
    struct frame_numbers *numbers = calloc(1, sizeof *numbers);
    if (!numbers || add_all(numbers, report) == 0) return numbers;
    frame_numbers_free(numbers);
    return NULL;
}

size_t frame_numbers_count(const struct frame_numbers *numbers) { return numbers->count; }
const struct report_frame *frame_numbers_at(const struct frame_numbers *numbers, size_t number) {
    return numbers->items[number]->frame;
}
size_t frame_number(const struct frame_numbers *numbers, const struct report_frame *frame) {
    return lookup(numbers, frame)->number;
}

static void keep(void *item) { (void)item; }

void frame_numbers_free(struct frame_numbers *numbers) {
    tdestroy(numbers->tree, keep); /* the items are freed from the array */
    for (size_t i = 0; i < numbers->count; i++) free(numbers->items[i]);
    free(numbers->items);
    free(numbers);
}
