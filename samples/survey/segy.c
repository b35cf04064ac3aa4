/*
 * SEG-Y writer and reader of the survey workload; see segy.h for the promises.
 *
 * The writer holds one trace in memory, the reader one chunk, whatever the size of the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sample.h"
#include "survey/segy.h"

enum { LAYERS = 12, FORMAT_IBM = 1 };

static void put16(unsigned char *at, unsigned value) {
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

static void put32(unsigned char *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static unsigned get16(const unsigned char *at) { return (unsigned)at[0] << 8 | at[1]; }

static uint32_t get32(const unsigned char *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }

uint32_t ibm_from_float(float value) {
    if (value == 0.0f || !isfinite(value)) return 0;
    int two;
    double fraction = frexp(fabs((double)value), &two); /* 0.5 <= fraction < 1 */
    int sixteen = (two + 3 + 400) / 4 - 100;            /* rounded up, also below zero */
    uint32_t mantissa = (uint32_t)lrint(ldexp(fraction, two - 4 * sixteen + 24));
    if (mantissa >> 24) {
        mantissa >>= 4;
        sixteen++;
    }
    return (value < 0 ? 0x80000000u : 0) | (uint32_t)(sixteen + 64) << 24 | mantissa;
}

float ibm_to_float(uint32_t ibm) {
    int exponent = (int)(ibm >> 24 & 0x7f) - 64;
    double value = ldexp((double)(ibm & 0xffffff), 4 * exponent - 24);
    return (float)(ibm >> 31 ? -value : value);
}

/* Code page 037 for what our headers hold: capitals, digits, blanks. */
static unsigned char ebcdic(char c) {
    if (c >= '0' && c <= '9') return (unsigned char)(0xf0 + c - '0');
    if (c >= 'A' && c <= 'I') return (unsigned char)(0xc1 + c - 'A');
    if (c >= 'J' && c <= 'R') return (unsigned char)(0xd1 + c - 'J');
    if (c >= 'S' && c <= 'Z') return (unsigned char)(0xe2 + c - 'S');
    return 0x40;
}

static void write_headers(FILE *file, struct segy_layout layout) {
    unsigned char text[SEGY_TEXT_SIZE], binary[SEGY_BINARY_SIZE] = {0};
    char card[81];
    for (int i = 0; i < 40; i++) {
        snprintf(card, sizeof card, "C%2d %-76s", i + 1,
                 i == 0    ? "SYNTHETIC SURVEY"
                 : i == 39 ? "END TEXTUAL HEADER"
                           : "");
        for (int j = 0; j < 80; j++) text[80 * i + j] = ebcdic(card[j]);
    }
    put16(binary + 16, layout.interval_us);
    put16(binary + 20, layout.samples);
    put16(binary + 24, FORMAT_IBM);
    put16(binary + 300, 0x0100);
    put16(binary + 302, 1);
    if (fwrite(text, sizeof text, 1, file) != 1 || fwrite(binary, sizeof binary, 1, file) != 1) die("segy header");
}

static void fill_header(unsigned char *header, struct segy_layout layout, unsigned trace) {
    memset(header, 0, SEGY_TRACE_HEADER_SIZE);
    put32(header, trace + 1);
    put32(header + 4, trace + 1);
    put32(header + 8, trace / 100 + 1);
    put16(header + 28, 1);
    put16(header + 114, layout.samples);
    put16(header + 116, layout.interval_us);
    put32(header + 180, 500000 + 25 * (trace % 400));
    put32(header + 184, 6000000 + 25 * (trace / 400));
}

/* Ricker-like pulses at slowly drifting depths, rounded to the precision of a field recorder. */
static void fill_samples(unsigned char *out, struct segy_layout layout, unsigned trace, struct rng *rng) {
    float *line = xmalloc(layout.samples * sizeof *line);
    for (unsigned i = 0; i < layout.samples; i++) line[i] = (float)(rng_below(rng, 9)) - 4.0f;
    for (unsigned layer = 0; layer < LAYERS; layer++) {
        double centre = layout.samples * (layer + 0.5 + 0.3 * sin(trace * 0.01 + layer)) / LAYERS;
        for (int d = -12; d <= 12; d++) {
            long at = lrint(centre) + d;
            double x = 0.06 * d * d;
            if (at >= 0 && at < (long)layout.samples)
                line[at] += (float)lrint(900.0 / (layer + 1) * (1 - 2 * x) * exp(-x));
        }
    }
    for (unsigned i = 0; i < layout.samples; i++) put32(out + 4 * i, ibm_from_float(line[i]));
    free(line);
}

void segy_write(const char *path, struct segy_layout layout, uint64_t seed) {
    FILE *file = fopen(path, "wb");
    if (!file) die(path);
    write_headers(file, layout);
    size_t size = SEGY_TRACE_HEADER_SIZE + 4 * (size_t)layout.samples;
    unsigned char *trace = xmalloc(size);
    struct rng rng = rng_seeded(seed);
    for (unsigned i = 0; i < layout.traces; i++) {
        fill_header(trace, layout, i);
        fill_samples(trace + SEGY_TRACE_HEADER_SIZE, layout, i, &rng);
        if (fwrite(trace, size, 1, file) != 1) die(path);
    }
    free(trace);
    if (fclose(file) != 0) die(path);
}

static size_t trace_size(const struct segy_reader *reader) {
    return SEGY_TRACE_HEADER_SIZE + 4 * (size_t)reader->samples;
}

static int read_layout(struct segy_reader *reader) {
    unsigned char binary[SEGY_BINARY_SIZE];
    struct stat status;
    if (pread(reader->fd, binary, sizeof binary, SEGY_TEXT_SIZE) != sizeof binary) return -EINVAL;
    if (get16(binary + 24) != FORMAT_IBM || get16(binary + 20) == 0) return -EINVAL;
    reader->samples = get16(binary + 20);
    reader->interval_us = get16(binary + 16);
    if (fstat(reader->fd, &status) != 0) return -errno;
    size_t bytes = (size_t)status.st_size - SEGY_TEXT_SIZE - SEGY_BINARY_SIZE;
    if (bytes % trace_size(reader) != 0) return -EINVAL;
    reader->traces = (unsigned)(bytes / trace_size(reader));
    return 0;
}

int segy_open(struct segy_reader *reader, const char *path, unsigned most_per_read) {
    *reader = (struct segy_reader){.fd = open(path, O_RDONLY | O_CLOEXEC), .most = most_per_read};
    if (reader->fd < 0) return -errno;
    int error = read_layout(reader);
    if (error) {
        close(reader->fd);
        return error;
    }
    reader->raw = xmalloc(most_per_read * trace_size(reader));
    return 0;
}

unsigned segy_read(struct segy_reader *reader, float *samples) {
    unsigned left = reader->traces - reader->next;
    unsigned count = left < reader->most ? left : reader->most;
    size_t size = trace_size(reader), bytes = count * size;
    off_t at = SEGY_TEXT_SIZE + SEGY_BINARY_SIZE + (off_t)reader->next * (off_t)size;
    if (pread(reader->fd, reader->raw, bytes, at) != (ssize_t)bytes) die("segy read");
    for (unsigned i = 0; i < count; i++) {
        const unsigned char *in = reader->raw + i * size + SEGY_TRACE_HEADER_SIZE;
        for (unsigned j = 0; j < reader->samples; j++) *samples++ = ibm_to_float(get32(in + 4 * j));
    }
    reader->next += count;
    return count;
}

const unsigned char *segy_header(const struct segy_reader *reader, unsigned index) {
    return reader->raw + index * trace_size(reader);
}

void segy_close(struct segy_reader *reader) {
    close(reader->fd);
    free(reader->raw);
}
