/*
 * The memory that drains need, one encoder for each that is at work: predictors, zlib, buffers, and a stack (drain.h).
 * There are few, made when first wanted. All functions: signals blocked. Whoever has one may wait for the file or the
 * edges, not for another encoder nor for a ring.
 */
#ifndef PRELOAD_ENCODERS_H
#define PRELOAD_ENCODERS_H

#include "drain.h"

#include <stdint.h>

struct encoder;

/* A fresh trace. Reserves one encoder, because the target may leave no room for it later. 0 or -ENOMEM. */
int encoders_start(void);

/*
 * An encoder of our own, waited for; for `plain` frames, which touch a thirtieth of one, there are more. Where there is
 * no memory for one more, that which is there from the start. NULL: no memory for that one.
 */
struct encoder *encoders_take(bool plain);
void encoders_give(struct encoder *encoder);

struct drain *encoder_drain(const struct encoder *encoder);
uint8_t *encoder_stack_top(const struct encoder *encoder); /* of DRAIN_STACK bytes */

#endif
