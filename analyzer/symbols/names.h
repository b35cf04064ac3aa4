/*
 * What a resolver knows, as bytes: the names of all addresses that it was asked for, with the images that they lie in.
 * Another resolver that reads them answers the same on a machine without these images. The format is in docs/bundle.md.
 */
#ifndef SYMBOLS_NAMES_H
#define SYMBOLS_NAMES_H

#include "symbols.h"

/* The answers for addresses in modules, malloc'd. 0 or -ENOMEM. */
int names_write(struct symbols *symbols, char **bytes, size_t *length);
/* Those for addresses of this space that lie outside all modules; length 0 where none has a name. */
int names_write_jit(struct symbols *symbols, uint32_t space, char **bytes, size_t *length);

struct image_entry; /* resolver.h */
/* The answers in one image; `asked_only`: those that were asked for since symbols_next(). */
int names_write_image(struct symbols *symbols, const struct image_entry *image, bool asked_only, char **bytes,
                      size_t *length);
/* Takes these back, where `image` is that image. 0, -EBADMSG or -ENOMEM. */
int names_read_image(struct symbols *symbols, const struct image_entry *image, const void *bytes, size_t length);

/*
 * Bytes of either kind; `space` is that of addresses outside all modules. What is known already stays. 0, -EBADMSG
 * (what came before is then known) or -ENOMEM.
 */
int names_read(struct symbols *symbols, uint32_t space, const void *bytes, size_t length);

#endif
