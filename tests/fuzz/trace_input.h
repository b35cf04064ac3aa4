/*
 * Traces for fuzzers: the input's bytes are commands that build a trace with right checksums, so that damage reaches
 * what lies behind them: frames and slots of every kind with hostile headers, positions and contents. An input that
 * begins with a frame's magic is the frames of a trace themselves, whose checksums are put right (tests/fuzz/seeds.py
 * makes such ones).
 */
#ifndef TESTS_FUZZ_TRACE_INPUT_H
#define TESTS_FUZZ_TRACE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The path of the trace that these bytes say; the next call writes another one there. */
const char *trace_input_write(const uint8_t *bytes, size_t length);

#endif
