/* An input as a file, for readers that take a path. */
#ifndef TESTS_FUZZ_FILE_INPUT_H
#define TESTS_FUZZ_FILE_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* The path of a file with these bytes; the next call writes others there. */
const char *file_input(const uint8_t *bytes, size_t length);

#endif
