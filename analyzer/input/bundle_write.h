/*
 * Writes a bundle: what goes into it is gathered first, then written in one go to a new file that appears under its
 * name when it is whole.
 */
#ifndef INPUT_BUNDLE_WRITE_H
#define INPUT_BUNDLE_WRITE_H

#include "bundle.h"
#include "reader.h"

struct bundle_writer;

struct bundle_writer *bundle_writer_new(void); /* NULL: out of memory */
void bundle_writer_free(struct bundle_writer *writer);

/* The trace is read again by bundle_write() and must stay open until then. 0 or -errno. */
int bundle_add_trace(struct bundle_writer *writer, const char *name, const struct trace_input *input);
/* Names, which are compressed here. 0 or -errno. */
int bundle_add_names(struct bundle_writer *writer, enum bundle_kind kind, const char *name, const void *bytes,
                     size_t length);

/* 0 and the size of the file, or -errno. */
int bundle_write(const struct bundle_writer *writer, const char *path, uint64_t *size);

#endif
