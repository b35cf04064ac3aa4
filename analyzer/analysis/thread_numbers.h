/*
 * Threads by a number from 0 on, in the order in which they are first asked for. Serials come from the file: a forged
 * one may be any, so none is the index of an array.
 */
#ifndef ANALYSIS_THREAD_NUMBERS_H
#define ANALYSIS_THREAD_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

struct thread_number {
    uint32_t serial;
    uint32_t number; /* + 1; 0: free */
};

/* Zeroed at first. */
struct thread_numbers {
    struct thread_number *slots; /* open addressing; capacity is a power of two */
    size_t capacity;
    uint32_t count;
};

#define THREAD_NO_NUMBER UINT32_MAX

/* THREAD_NO_NUMBER where the thread has none. */
uint32_t thread_numbers_find(const struct thread_numbers *numbers, uint32_t serial);
/* Gives it the next number, `count`, where it has none. Dies when out of memory. */
uint32_t thread_numbers_add(struct thread_numbers *numbers, uint32_t serial);
void thread_numbers_release(struct thread_numbers *numbers);

#endif
