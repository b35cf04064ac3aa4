/*
 * The writer in a process of its own beside the target, as the recorder sees it (FORMAT.md "Writer").
 *
 * It comes by itself, takes work off the target while it is there, and may go or die at any moment: the recorder then
 * goes on as without it. All functions are for any context with signals blocked; none does anything unless one was
 * invited.
 */
#ifndef PRELOAD_BESIDE_H
#define PRELOAD_BESIDE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A fresh header: says that a writer is welcome, if the configuration wants one. */
void beside_invite(uint8_t *header);

/* It is here, and will look at the rings when the bell is rung. */
bool beside_attends(void);
/* Waits a tenth of a second at most for one that is on its way: soon nobody else may be allowed to write. */
void beside_expect(void);
void beside_ring_bell(void);

/* What it was asked for last is done. beside_ask: to empty all rings. */
bool beside_answered(void);
void beside_ask(void);

/* It is to keep away from now on. */
void beside_refuse(void);

/* A lock word that it shares with us. False when it holds the lock, lives, and has not moved for ten seconds. */
bool beside_take(_Atomic uint32_t *word);
bool beside_holds(_Atomic uint32_t *word);
void beside_give(_Atomic uint32_t *word);

#endif
