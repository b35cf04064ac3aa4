/* A hash table with linear probing. See thread_numbers.h. */
#include "thread_numbers.h"

#include <stdlib.h>

#include "../must.h"

/* Where the serial is, or the free slot where it would go. */
static struct thread_number *slot_of(const struct thread_numbers *numbers, uint32_t serial) {
    size_t mask = numbers->capacity - 1, at = (serial * 0x9e3779b97f4a7c15u >> 32) & mask;
    while (numbers->slots[at].number && numbers->slots[at].serial != serial) at = (at + 1) & mask;
    return &numbers->slots[at];
}

uint32_t thread_numbers_find(const struct thread_numbers *numbers, uint32_t serial) {
    return numbers->capacity ? slot_of(numbers, serial)->number - 1 : THREAD_NO_NUMBER;
}

static void grow(struct thread_numbers *numbers) {
    struct thread_numbers old = *numbers;
    numbers->capacity = old.capacity ? 2 * old.capacity : 16;
    numbers->slots = must(calloc(numbers->capacity, sizeof *numbers->slots));
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].number) *slot_of(numbers, old.slots[i].serial) = old.slots[i];
    free(old.slots);
}

uint32_t thread_numbers_add(struct thread_numbers *numbers, uint32_t serial) {
    if (numbers->count >= numbers->capacity / 2) grow(numbers);
    struct thread_number *slot = slot_of(numbers, serial);
    if (!slot->number) *slot = (struct thread_number){serial, ++numbers->count};
    return slot->number - 1;
}

void thread_numbers_release(struct thread_numbers *numbers) {
    free(numbers->slots);
    *numbers = (struct thread_numbers){0};
}
