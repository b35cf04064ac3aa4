/*
 * A profile.proto for pprof: for each stack the allocated and the live objects and bytes. Inlined calls are several
 * lines of one location, as the format wants it. Schema: github.com/google/pprof, proto/profile.proto.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "export.h"
#include "numbering.h"
#include "protobuf.h"

enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_MAPPING = 3,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING = 6,
    PROFILE_TIME = 9,
    PROFILE_DURATION = 10,
    PROFILE_DEFAULT_TYPE = 14
};
enum { TYPE_TYPE = 1, TYPE_UNIT = 2 };
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE = 2, SAMPLE_LABEL = 3 };
enum { LABEL_KEY = 1, LABEL_STRING = 2 };
enum { MAPPING_ID = 1, MAPPING_FILE = 5, MAPPING_HAS_FUNCTIONS = 7, MAPPING_HAS_LINES = 9 };
enum { LOCATION_ID = 1, LOCATION_MAPPING = 2, LOCATION_ADDRESS = 3, LOCATION_LINE = 4 };
enum { LINE_FUNCTION = 1, LINE_LINE = 2 };
enum { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_SYSTEM_NAME = 3, FUNCTION_FILE = 4 };

struct profile {
    FILE *out;
    struct numbering strings, functions, mappings, locations;
    bool failed; /* out of memory */
};

/* Index in the string table, where index 0 is the empty string. */
static uint64_t string_of(struct profile *profile, const char *text) {
    bool fresh;
    if (!text || !*text) return 0;
    uint64_t number = numbering_of(&profile->strings, &fresh, "%s", text);
    if (fresh) protobuf_bytes(profile->out, PROFILE_STRING, text, strlen(text));
    return number;
}

static uint64_t function_of(struct profile *profile, const struct report_frame *frame) {
    bool fresh;
    const char *name = export_frame_name(frame), *file = frame->file ? frame->file : "";
    uint64_t number = numbering_of(&profile->functions, &fresh, "%s\n%s", name, file);
    if (!fresh) return number;
    struct protobuf_message message;
    uint64_t name_index = string_of(profile, name), file_index = string_of(profile, file);
    protobuf_begin(&message);
    protobuf_number(message.out, FUNCTION_ID, number);
    protobuf_number(message.out, FUNCTION_NAME, name_index);
    protobuf_number(message.out, FUNCTION_SYSTEM_NAME, name_index);
    protobuf_number(message.out, FUNCTION_FILE, file_index);
    protobuf_end(profile->out, PROFILE_FUNCTION, &message);
    return number;
}

static uint64_t mapping_of(struct profile *profile, const char *module) {
    bool fresh;
    if (!module) return 0;
    uint64_t number = numbering_of(&profile->mappings, &fresh, "%s", module), file = string_of(profile, module);
    if (!fresh) return number;
    struct protobuf_message message;
    protobuf_begin(&message);
    protobuf_number(message.out, MAPPING_ID, number);
    protobuf_number(message.out, MAPPING_FILE, file);
    protobuf_number(message.out, MAPPING_HAS_FUNCTIONS, 1);
    protobuf_number(message.out, MAPPING_HAS_LINES, 1);
    protobuf_end(profile->out, PROFILE_MAPPING, &message);
    return number;
}

static void put_line(struct profile *profile, FILE *out, const struct report_frame *frame) {
    struct protobuf_message message;
    uint64_t function = function_of(profile, frame);
    protobuf_begin(&message);
    protobuf_number(message.out, LINE_FUNCTION, function);
    protobuf_number(message.out, LINE_LINE, frame->line > 0 ? (uint64_t)frame->line : 0);
    protobuf_end(out, LOCATION_LINE, &message);
}

/* The frames of one address: inlined ones and the function that holds them. */
static uint64_t location_of(struct profile *profile, const struct report_frame *frames, size_t count) {
    bool fresh;
    const struct report_frame *last = &frames[count - 1];
    uint64_t number =
        numbering_of(&profile->locations, &fresh, "%s\n%s\n%lld\n%llx\n%zu", last->module ? last->module : "",
                     export_frame_name(&frames[0]), (long long)frames[0].line, (unsigned long long)last->offset, count);
    if (!fresh) return number;
    struct protobuf_message message;
    uint64_t mapping = mapping_of(profile, last->module);
    protobuf_begin(&message);
    protobuf_number(message.out, LOCATION_ID, number);
    protobuf_number(message.out, LOCATION_MAPPING, mapping);
    protobuf_number(message.out, LOCATION_ADDRESS, last->offset);
    for (size_t i = 0; i < count; i++) put_line(profile, message.out, &frames[i]);
    protobuf_end(profile->out, PROFILE_LOCATION, &message);
    return number;
}

static size_t put_locations(struct profile *profile, const struct report_site *site, uint64_t *locations) {
    size_t count = 0;
    for (size_t at = 0; at < site->depth;) {
        size_t length = 1;
        while (at + length < site->depth && site->stack[at + length - 1].inlined) length++;
        locations[count++] = location_of(profile, &site->stack[at], length);
        at += length;
    }
    return count;
}

static const char *const sample_types[] = {"allocations", "live-blocks", "allocated", "live"};
static const char *const sample_names[][2] = {
    {"alloc_objects", "count"}, {"inuse_objects", "count"}, {"alloc_space", "bytes"}, {"inuse_space", "bytes"}};
enum { SAMPLE_TYPES = 4 };

static void put_label(struct profile *profile, FILE *out, const char *key, const char *value) {
    struct protobuf_message message;
    uint64_t key_index = string_of(profile, key), value_index = string_of(profile, value);
    protobuf_begin(&message);
    protobuf_number(message.out, LABEL_KEY, key_index);
    protobuf_number(message.out, LABEL_STRING, value_index);
    protobuf_end(out, SAMPLE_LABEL, &message);
}

static void put_sample(struct profile *profile, const struct report_site *site) {
    struct protobuf_message message;
    uint64_t values[SAMPLE_TYPES], *locations = calloc(site->depth + 1, sizeof *locations);
    if (!locations) {
        profile->failed = true;
        return;
    }
    for (size_t i = 0; i < SAMPLE_TYPES; i++) values[i] = (uint64_t)export_value(site, export_metric(sample_types[i]));
    size_t count = put_locations(profile, site, locations);
    protobuf_begin(&message);
    protobuf_packed(message.out, SAMPLE_LOCATION, locations, count);
    protobuf_packed(message.out, SAMPLE_VALUE, values, SAMPLE_TYPES);
    put_label(profile, message.out, "site", site->id);
    protobuf_end(profile->out, PROFILE_SAMPLE, &message);
    free(locations);
}

static void put_sample_type(struct profile *profile, const char *const names[2]) {
    struct protobuf_message message;
    uint64_t type = string_of(profile, names[0]), unit = string_of(profile, names[1]);
    protobuf_begin(&message);
    protobuf_number(message.out, TYPE_TYPE, type);
    protobuf_number(message.out, TYPE_UNIT, unit);
    protobuf_end(profile->out, PROFILE_SAMPLE_TYPE, &message);
}

static void put_profile(struct profile *profile, const struct report *report) {
    protobuf_bytes(profile->out, PROFILE_STRING, "", 0);
    for (size_t i = 0; i < SAMPLE_TYPES; i++) put_sample_type(profile, sample_names[i]);
    for (size_t i = 0; i < report->site_count; i++)
        if (report->sites[i].depth) put_sample(profile, &report->sites[i]);
    protobuf_number(profile->out, PROFILE_DEFAULT_TYPE, string_of(profile, "inuse_space"));
    if (report->process_count == 0) return;
    const struct report_process *process = &report->processes[0];
    if (process->started_ns > 0) protobuf_number(profile->out, PROFILE_TIME, (uint64_t)process->started_ns);
    if (report->duration_ns > 0) protobuf_number(profile->out, PROFILE_DURATION, (uint64_t)report->duration_ns);
}

/* One gzip member. */
static int put_gzip(FILE *out, const char *bytes, size_t length) {
    enum { GZIP_WINDOW = 15 + 16, CHUNK = 1 << 16 };
    static unsigned char buffer[CHUNK];
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)length};
    if (length > UINT32_MAX) return -EFBIG;
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    int state = Z_OK;
    while (state == Z_OK) {
        stream.next_out = buffer;
        stream.avail_out = CHUNK;
        state = deflate(&stream, Z_FINISH);
        fwrite(buffer, 1, CHUNK - stream.avail_out, out);
    }
    deflateEnd(&stream);
    return state == Z_STREAM_END ? 0 : -EIO;
}

int export_pprof(FILE *out, const struct report *report, const struct export_options *options) {
    (void)options;
    char *bytes = NULL;
    size_t length;
    struct profile profile = {.out = open_memstream(&bytes, &length)};
    if (!profile.out) return -ENOMEM;
    put_profile(&profile, report);
    bool whole = !fclose(profile.out) && !profile.failed;
    struct numbering *const all[] = {&profile.strings, &profile.functions, &profile.mappings, &profile.locations};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) whole &= numbering_end(all[i]);
    int error = whole ? put_gzip(out, bytes, length) : -ENOMEM;
    free(bytes);
    return error ? error : export_flush(out);
}
