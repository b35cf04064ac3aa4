/* A line of /proc/self/maps, read byte by byte. See maps.h. */
#include "maps.h"

#include "sys.h"

#include "../include/trace_format.h"

#include <string.h>

static uint64_t hexadecimal(uint64_t value, char byte) {
    return value << 4 | (uint64_t)(byte <= '9' ? byte - '0' : byte - 'a' + 10);
}

static uint32_t permission(char byte) {
    return byte == 'r'   ? TRACE_MAP_READ
           : byte == 'w' ? TRACE_MAP_WRITE
           : byte == 'x' ? TRACE_MAP_EXECUTE
           : byte == 's' ? TRACE_MAP_SHARED
                         : 0;
}

enum { FIELD_NAME = 6 }; /* start-end permissions offset device inode, spaces, name */

static void begin_line(struct maps_reader *reader) {
    memset(&reader->line, 0, offsetof(struct maps_line, name));
    reader->field = 0;
    reader->named = false;
}

static void read_byte(struct maps_reader *reader, char byte) {
    struct maps_line *line = &reader->line;
    if (byte == ' ' && !reader->named) {
        if (reader->field < FIELD_NAME) reader->field++;
    } else if (reader->field == 0) {
        if (byte == '-') reader->field = 1;
        else line->start = hexadecimal(line->start, byte);
    } else if (reader->field == 1) {
        line->end = hexadecimal(line->end, byte);
    } else if (reader->field == 2) {
        line->flags |= permission(byte);
    } else if (reader->field == FIELD_NAME) {
        reader->named = true;
        if (line->length < MAPS_NAME_MOST) line->name[line->length++] = byte;
    }
}

bool maps_read(struct maps_reader *reader, int fd, void (*each)(const struct maps_line *line)) {
    long length;
    begin_line(reader);
    while ((length = sys_read(fd, reader->text, sizeof reader->text)) > 0)
        for (long i = 0; i < length; i++) {
            if (reader->text[i] != '\n') {
                read_byte(reader, reader->text[i]);
            } else {
                each(&reader->line);
                begin_line(reader);
            }
        }
    return length == 0;
}
