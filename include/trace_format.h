/*
 * Layout of a Tidemark trace: the header, the frames, and the words of an event. FORMAT.md is normative and changes in
 * the same commit as this file. Layouts and constants only; bytes are read and written through trace_wire.h.
 */
#ifndef TIDEMARK_TRACE_FORMAT_H
#define TIDEMARK_TRACE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#define TRACE_MAGIC "TIDEMARK"
#define TRACE_VERSION_MAJOR 2
#define TRACE_VERSION_MINOR 0
#define TRACE_PAGE 4096u
#define TRACE_HEADER_SIZE 32768u
#define TRACE_HEADER_MOST (16u << 20) /* after a clean end, with the first slots */

#define TRACE_FEATURE_PLAIN 1u /* incompatible: there are plain frames */
#define TRACE_FEATURES_KNOWN TRACE_FEATURE_PLAIN

/* Byte offsets in the header. [live] fields change while the target runs; the rest is written once. */
enum trace_header_offset {
    TRACE_AT_MAGIC = 0,
    TRACE_AT_MAJOR = 8,           /* u16 */
    TRACE_AT_MINOR = 10,          /* u16 */
    TRACE_AT_HEADER_SIZE = 12,    /* u32 */
    TRACE_AT_COMPATIBLE = 16,     /* u32: unknown bits may be ignored */
    TRACE_AT_INCOMPATIBLE = 20,   /* u32 [live]: an unknown bit means that this reader can't read the file */
    TRACE_AT_RUN_ID = 24,         /* 16 bytes, the same in all traces of one run */
    TRACE_AT_PID = 40,            /* u32, in the recorder's PID namespace */
    TRACE_AT_STAMP_SOURCE = 44,   /* u8: enum trace_stamp_source */
    TRACE_AT_POINTER_SIZE = 45,   /* u8 */
    TRACE_AT_STATE = 48,          /* u32 [live]: enum trace_state */
    TRACE_AT_TAIL = 56,           /* u64 [live]: end of the last whole frame */
    TRACE_AT_LOST = 64,           /* u64 [live]: events lost so far */
    TRACE_AT_EVENTS = 72,         /* u64 [live]: events in frames */
    TRACE_AT_CPU = 80,            /* u64 [live]: processor time spent on making frames, ns */
    TRACE_AT_INDEXED = 88,        /* u64 [live]: an index holds the frames below */
    TRACE_AT_MAX_SIZE = 96,       /* u64: size that the file must not pass; 0: none */
    TRACE_AT_LEVEL = 104,         /* u8: of compression */
    TRACE_AT_CONTROL = 128,       /* u32 [live]: bit 0 recording on */
    TRACE_AT_MAILBOX_HEAD = 132,  /* u32 [live]: requests posted */
    TRACE_AT_MAILBOX_TAIL = 136,  /* u32 [live]: requests done */
    TRACE_AT_WRITER = 192,        /* u32 [live]: enum trace_writer */
    TRACE_AT_BELL = 196,          /* u32 [live]: changes when there is work for the writer */
    TRACE_AT_LOCK = 200,          /* u32 [live]: enum trace_holder: who appends frames */
    TRACE_AT_MANY = 204,          /* u32 [live]: more than one thread may have events */
    TRACE_AT_NODES_DRAINED = 212, /* u32 [live]: stack nodes in frames */
    TRACE_AT_ASKED = 216,         /* u32 [live]: rounds in which every ring was to be emptied: asked for, */
    TRACE_AT_ANSWERED = 220,      /* u32 [live]: done */
    TRACE_AT_MAILBOX = 4096,
    TRACE_AT_EDGES = 28672, /* see enum trace_edges_offset */
};

/* Of LOSS records. */
enum trace_loss_cause {
    TRACE_LOSS_FULL = 1,
    TRACE_LOSS_FILE,
    TRACE_LOSS_QUEUE,
    TRACE_LOSS_THREADS,
    TRACE_LOSS_SIZE,
    TRACE_LOSS_DAMAGE
};

/* Of STOPPED records. */
enum trace_stop_cause {
    TRACE_STOP_SIZE = 1, /* limit */
    TRACE_STOP_SPACE,
    TRACE_STOP_FILE,
    TRACE_STOP_REQUEST,
    TRACE_STOP_DESCRIPTORS
};

/* Of EXIT events and END records: what ended the program. */
enum trace_exit {
    TRACE_EXIT_CALL = 1,
    TRACE_EXIT_UNDERSCORE, /* _exit */
    TRACE_EXIT_QUICK,
    TRACE_EXIT_RETURN, /* of main */
    TRACE_EXIT_EXEC    /* in END records only */
};

/* Of EXITED records. */
enum trace_exited { TRACE_EXITED_CODE = 1, TRACE_EXITED_SIGNAL };

/* Of ANOMALY events. */
enum trace_anomaly {
    TRACE_ANOMALY_END = 1, /* without begin */
    TRACE_ANOMALY_LONG_NAME,
    TRACE_ANOMALY_FINISH, /* without start */
    TRACE_ANOMALY_HANDLER /* a call in a signal handler */
};

/* A writer in a process of its own, beside the target: FORMAT.md "Writer". */
enum trace_writer { TRACE_WRITER_NONE, TRACE_WRITER_WANTED, TRACE_WRITER_ATTACHED, TRACE_WRITER_REFUSED };
enum trace_holder {
    TRACE_HOLDER_NONE,
    TRACE_HOLDER_TARGET,
    TRACE_HOLDER_WRITER,
    TRACE_HOLDER_WAITED = 4 /* and awaited */
};
enum trace_edges_offset {                            /* in the page of edges */
                          TRACE_EDGES_AT_TURN = 0,   /* u32: odd while an edge is being made */
                          TRACE_EDGES_AT_COUNT = 8,  /* u64: made so far */
                          TRACE_EDGES_AT_STAMPS = 16 /* 510 u64: the last of them, number n at n mod 510, ascending */
};
#define TRACE_EDGES 510u

enum trace_state { TRACE_STATE_OPEN = 1, TRACE_STATE_CLOSED = 2 };
enum trace_stamp_source { TRACE_STAMP_TSC = 1, TRACE_STAMP_COUNTER = 2 };

/* Mailbox: requests from outside (`tidemark mark`), see FORMAT.md "Mailbox". */
#define TRACE_MAILBOX_SLOTS 64u
#define TRACE_MAILBOX_SLOT_SIZE 384u
enum trace_mailbox_offset {                            /* in a slot */
                            TRACE_MAIL_AT_READY = 0,   /* u32: request number + 1 once the slot is filled */
                            TRACE_MAIL_AT_COMMAND = 4, /* u32: enum trace_command */
                            TRACE_MAIL_AT_STAMP = 8,   /* u64: the sender's stamp, 0 where it has none */
                            TRACE_MAIL_AT_FLAGS = 16,  /* u32: TRACE_EVENT_APPROXIMATE */
                            TRACE_MAIL_AT_LENGTH = 20, /* u32 */
                            TRACE_MAIL_AT_NAME = 24,   /* up to 255 bytes */
};
enum trace_command {
    TRACE_COMMAND_MARK = 1,
    TRACE_COMMAND_PHASE_BEGIN,
    TRACE_COMMAND_PHASE_END,
    TRACE_COMMAND_ON,
    TRACE_COMMAND_OFF,
    TRACE_COMMAND_STOP,
};

/* Frames follow the header up to the tail, each at a multiple of 8. */
#define TRACE_FRAME_MAGIC 0x48434d54u /* "TMCH" */
#define TRACE_FRAME_SIZE 64u
#define TRACE_PAYLOAD_MAX (16u << 20)
enum trace_frame_offset {
    TRACE_FRAME_AT_MAGIC = 0,
    TRACE_FRAME_AT_KIND = 4,         /* u16: enum trace_frame_kind */
    TRACE_FRAME_AT_CODEC = 6,        /* u8: enum trace_codec */
    TRACE_FRAME_AT_FLAGS = 7,        /* u8 */
    TRACE_FRAME_AT_RAW = 8,          /* u32: payload bytes after decoding */
    TRACE_FRAME_AT_STORED = 12,      /* u32: payload bytes in the file */
    TRACE_FRAME_AT_CRC = 16,         /* u32: CRC-32 (zlib) of the stored payload, 0 for slots */
    TRACE_FRAME_AT_THREAD = 20,      /* u32: thread serial, 0 = the process */
    TRACE_FRAME_AT_FIRST_STAMP = 24, /* u64 */
    TRACE_FRAME_AT_LAST_STAMP = 32,  /* u64 */
    TRACE_FRAME_AT_FIRST = 40,       /* u64: first position (words of a ring, bytes of the journal, node ids) */
    TRACE_FRAME_AT_END = 48,         /* u64: position after the last */
    TRACE_FRAME_AT_COUNT = 56,       /* u32: events, records or nodes */
    TRACE_FRAME_AT_HEADER_CRC = 60,  /* u32: CRC-32 of bytes 0..59 */
};
struct trace_frame {
    uint16_t kind;
    uint8_t codec;
    uint8_t flags;
    uint32_t raw_length;
    uint32_t stored_length;
    uint32_t crc;
    uint32_t thread;
    uint64_t first_stamp;
    uint64_t last_stamp;
    uint64_t first;
    uint64_t end;
    uint32_t count;
};
enum trace_frame_kind {
    TRACE_FRAME_PAD = 1,
    TRACE_FRAME_EVENTS = 2,  /* columns of one thread's events */
    TRACE_FRAME_RECORDS = 3, /* journal records */
    TRACE_FRAME_NODES = 4,   /* stack trie nodes */
    TRACE_FRAME_INDEX = 5,
    TRACE_FRAME_CHECKPOINT = 6,    /* reserved: live-set checkpoint */
    TRACE_FRAME_SLOT_RING = 16,    /* a thread's ring, page-aligned, written in place */
    TRACE_FRAME_SLOT_JOURNAL = 17, /* the process's journal */
    TRACE_FRAME_SLOT_NODES = 18,   /* stack nodes, written in place */
};
enum trace_codec { TRACE_CODEC_NONE = 0, TRACE_CODEC_DEFLATE = 1 };
#define TRACE_FRAME_CONTINUES 2u /* EVENTS: understood only after the thread's events frame before it */
#define TRACE_FRAME_PLAIN 4u     /* EVENTS: FORMAT.md "Plain frames" */
#define TRACE_FRAME_ORDERED 1u   /* EVENTS: all pairs across threads keep exact stamps; see FORMAT.md */

/*
 * A slot: one control page, then data. Words are u64, bytes for the journal. Positions only grow; index = position mod
 * size.
 */
enum trace_slot_offset {
    TRACE_SLOT_AT_THREAD = 0,         /* u32 [live]: owner's serial, 0 = free */
    TRACE_SLOT_AT_TID = 4,            /* u32 [live] */
    TRACE_SLOT_AT_HEAD = 64,          /* u64 [live]: committed up to here (release store) */
    TRACE_SLOT_AT_TAIL = 128,         /* u64 [live]: in a whole frame up to here */
    TRACE_SLOT_AT_AWAITED = 136,      /* u32 [live]: 1 while the owner waits for the tail to move */
    TRACE_SLOT_AT_HURRY = 140,        /* u32 [live]: 1 after the owner found no room; whoever drains clears it */
    TRACE_SLOT_AT_PLAIN = 144,        /* u32 [live]: frames that whoever drains will write plainly */
    TRACE_SLOT_AT_NESTED = 192,       /* u64 [live]: words in the nested queue */
    TRACE_SLOT_AT_LOCK = 256,         /* u32 [live]: enum trace_holder: who drains */
    TRACE_SLOT_AT_NESTED_WORDS = 512, /* 448 words: events of signal handlers that interrupted a hook */
};
#define TRACE_SLOT_CONTROL 4096u
#define TRACE_NESTED_WORDS 448u

/* A node of the stack trie: 16 bytes, written in one step. Node 0 is the root; ids are dense. */
enum trace_node_offset { TRACE_NODE_AT_IP = 0, TRACE_NODE_AT_PARENT = 8, TRACE_NODE_AT_MODULE = 12 };
#define TRACE_NODE_SIZE 16u
#define TRACE_NODES_PER_SLOT 65536u
#define TRACE_NODE_PARTIAL 0x80000000u /* in the module field: the frames below (outer) are unknown */
#define TRACE_NODE_CUT 0x40000000u     /* in the module field: frames were dropped at this place (depth limit) */
#define TRACE_NODE_SIGNAL 0x20000000u  /* in the module field: ip is exact, not a return address (interrupted frame) */
#define TRACE_NODE_GUESSED 0x10000000u /* in the module field: rbp led to the caller, for there is no unwind entry */
#define TRACE_NODE_MODULE_MASK 0x0fffffffu /* 0 = no module (JIT code, unknown) */

/* Event words: word 0 is kind (8 bits), flags (8), operand (48); word 1 the stamp; then the words of its row. */
enum trace_event_kind {
#define TRACE_EVENT(name, value, words, text) TRACE_EVENT_##name = value,
#include "trace_records.def"
};
#define TRACE_EVENT_WIDE 1u        /* one more word: the size, where 32 bits don't hold it */
#define TRACE_EVENT_FAILED 2u      /* the call failed; nothing was allocated */
#define TRACE_EVENT_INTERNAL 4u    /* MAP, UNMAP: made by the allocator itself */
#define TRACE_EVENT_RESERVED 8u    /* MAP: PROT_NONE, address space and no memory */
#define TRACE_EVENT_APPROXIMATE 8u /* control events: the edge's place is known to a line of output only */
#define TRACE_EVENT_NO_STACK 16u   /* the stack is unknown (node 0) */
#define TRACE_EVENT_FOREIGN 32u    /* in rings only: FREE, REALLOC_OUT of a block that this thread may not have made */
#define TRACE_EVENT_INTERPOLATED 128u /* set by decoders only: the stamp is not stored (FORMAT.md) */
#define TRACE_EVENT_OPERAND_BITS 48u
#define TRACE_EVENT_MAX_WORDS 4u

/* An event as encoders take and decoders give it. */
struct trace_event {
    uint64_t stamp;
    uint64_t address; /* operand: address or id */
    uint64_t size;    /* bytes, or the value of a control event */
    uint32_t stack;
    uint32_t partner; /* events to the one of the same chunk that ends or began the block; 0: not in this chunk */
    uint8_t kind;
    uint8_t flags;
};

/* Flags of an entry of a MAPPING record. */
#define TRACE_MAP_READ 1u
#define TRACE_MAP_WRITE 2u
#define TRACE_MAP_EXECUTE 4u
#define TRACE_MAP_SHARED 8u
#define TRACE_MAP_OWN 16u  /* the recorder's own memory */
#define TRACE_MAP_GONE 32u /* nothing is mapped there any more */

/* Flags of a MEMORY record. */
#define TRACE_MEMORY_EDGE 1u
#define TRACE_MEMORY_LOOK 2u    /* ends a look: the mapping and residency records so far tell what is resident now */
#define TRACE_MEMORY_SKIPPED 4u /* a look was left out for its cost */
#define TRACE_MEMORY_OUTSIDE 8u /* by the writer beside a target that makes no calls: what it can't know is 0 */

enum trace_record_kind {
#define TRACE_RECORD(name, value, text) TRACE_RECORD_##name = value,
#include "trace_records.def"
};

_Static_assert(TRACE_AT_MAILBOX + TRACE_MAILBOX_SLOTS * TRACE_MAILBOX_SLOT_SIZE <= TRACE_AT_EDGES, "mailbox fits");
_Static_assert(TRACE_AT_EDGES + TRACE_EDGES_AT_STAMPS + TRACE_EDGES * 8 == TRACE_HEADER_SIZE, "edges fit");
_Static_assert(TRACE_SLOT_AT_NESTED_WORDS + TRACE_NESTED_WORDS * 8 <= TRACE_SLOT_CONTROL, "nested queue fits");
_Static_assert(TRACE_FRAME_AT_HEADER_CRC + 4 == TRACE_FRAME_SIZE, "frame header is full");

#endif
