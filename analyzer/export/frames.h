/*
 * Numbers for the distinct frames of a report: many formats list frames once and stacks as numbers.
 */
#ifndef EXPORT_FRAMES_H
#define EXPORT_FRAMES_H

#include "../report/report.h"

struct frame_numbers;

/* Frames are equal where function, file, line and module are. NULL: out of memory. */
struct frame_numbers *frame_numbers_of(const struct report *report);
size_t frame_numbers_count(const struct frame_numbers *numbers);
/* In order of their numbers, from 0. */
const struct report_frame *frame_numbers_at(const struct frame_numbers *numbers, size_t number);
size_t frame_number(const struct frame_numbers *numbers, const struct report_frame *frame);
void frame_numbers_free(struct frame_numbers *numbers);

#endif
