/*
 * SEG-Y revision 1 files: textual header (EBCDIC), binary header, traces of 240-byte headers and IBM floats.
 *
 * Big-endian, one sample format (code 1), all traces of equal length. After "SEG-Y rev 1 Data Exchange format",
 * SEG Technical Standards Committee, 2002. A reader belongs to one thread; errors of the system end the program,
 * a file that is not SEG-Y is -EINVAL.
 */
#ifndef SAMPLES_SURVEY_SEGY_H
#define SAMPLES_SURVEY_SEGY_H

#include <stdint.h>
#include <stdio.h>

enum { SEGY_TEXT_SIZE = 3200, SEGY_BINARY_SIZE = 400, SEGY_TRACE_HEADER_SIZE = 240 };

struct segy_layout {
    unsigned traces, samples, interval_us;
};

struct segy_reader {
    int fd;
    unsigned traces, samples, interval_us, next;
    unsigned char *raw; /* one read's bytes */
    unsigned most;      /* traces that fit in raw */
};

/* Writes a synthetic survey: layered reflections that drift from trace to trace, with noise. */
void segy_write(const char *path, struct segy_layout layout, uint64_t seed);

int segy_open(struct segy_reader *reader, const char *path, unsigned most_per_read);
/* Up to `most` traces: samples one trace after the other. Returns how many; 0 at the end. */
unsigned segy_read(struct segy_reader *reader, float *samples);
/* The header of trace `index` of the last read; valid until the next. */
const unsigned char *segy_header(const struct segy_reader *reader, unsigned index);
void segy_close(struct segy_reader *reader);

/* IBM System/360 single precision: sign, base-16 exponent biased by 64, 24-bit fraction. */
uint32_t ibm_from_float(float value);
float ibm_to_float(uint32_t ibm);

#endif
