/*
 * Reads images in a child process, so that a hostile or damaged object file takes down the child and not the analyzer.
 *
 * The child starts at once, while there is little memory that the two would share and copy at the first write. It has
 * limits on memory and on the time of each answer, and is replaced when it dies; the image that killed it is bad from
 * then on. One thread at a time.
 */
#ifndef SYMBOLS_WORKER_H
#define SYMBOLS_WORKER_H

#include "image.h"

struct worker;

/*
 * NULL: out of memory. `in_process`: no child, for tests and fuzzers. `fingerprints`: they will be asked for. `places`
 * must outlive the worker.
 */
struct worker *worker_new(const struct image_search *places, bool in_process, bool fingerprints);
void worker_free(struct worker *worker);

/* Numbers images from 0 in the order of the calls. Copies `source`. 0 or -ENOMEM. */
int worker_add(struct worker *worker, const struct image_source *source);
/* Opens the image if that has not been done. */
enum image_state worker_state(struct worker *worker, size_t image);
/* As image_fingerprint(); 0 for an image that is not open, and where they are not wanted. */
uint64_t worker_fingerprint(struct worker *worker, size_t image);
/* As image_lookup(); says nothing about an image that is not open. */
void worker_lookup(struct worker *worker, size_t image, uint64_t offset, image_emit *emit, void *context);
/* As image_may_flow(); true for an image that is not open. */
bool worker_may_flow(struct worker *worker, size_t image, uint64_t from, uint64_t to);

#endif
