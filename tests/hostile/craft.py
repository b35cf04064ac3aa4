"""Writes traces with any content, from include/FORMAT.md alone: what a hostile stranger could send.

A Trace collects frames and slots and writes them as one file with right checksums, so that its content reaches what lies
behind them. `write(path, holes=True)` leaves pages of zeros out of the file.
"""

import struct
import zlib

HEADER, FRAME, PAGE = 32768, 64, 4096
EVENTS, RECORDS, NODES, INDEX, PAD = 2, 3, 4, 5, 1
SLOT_RING, SLOT_JOURNAL, SLOT_NODES = 16, 17, 18
ALLOC, FREE, PHASE_BEGIN, PHASE_END, ITEMS, OP_BEGIN, OP_END, VALUE, MARK = 1, 2, 32, 33, 34, 35, 36, 39, 40
PROCESS, MODULE, MODULE_GONE, THREAD, THREAD_NAME, STRING, CLOCK, MEMORY = 1, 2, 3, 4, 5, 7, 8, 9
CHILD, END, MAPPING, EXITED, REQUEST = 14, 16, 17, 18, 19


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def text(value):
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return varint(len(data)) + data


def record(kind, *fields):
    """Numbers are varints, texts have their length in front, Raw goes in as it is."""
    body = b"".join(f.data if isinstance(f, Raw) else varint(f) if isinstance(f, int) else text(f) for f in fields)
    return varint(kind) + varint(len(body)) + body


class Raw:
    def __init__(self, data):
        self.data = data


def event(kind, stamp, operand=0, size=0, stack=0):
    words = [kind | operand << 16, stamp]
    if kind in (ITEMS, OP_END, VALUE):
        words.append(size)
    elif kind not in (FREE, PHASE_BEGIN, PHASE_END, OP_BEGIN, MARK):
        words.append(stack << 32 | size)
    return words


class Trace:
    def __init__(self, pid=4711, state=1):
        self.pid, self.state = pid, state
        self.parts = []  # (offset, bytes): what is not zeros
        self.at = HEADER

    def frame(self, kind, payload=b"", *, codec=0, raw=None, stored=None, thread=0, first=0, end=0, count=0, stamps=(0, 0)):
        """Adds a frame; `stored` longer than the payload means zeros behind it."""
        length = len(payload) if stored is None else stored
        crc = 0 if kind >= SLOT_RING else zlib.crc32(payload)
        head = struct.pack("<IHBBIIIIQQQQI", 0x48434D54, kind, codec, 0, length if raw is None else raw, length, crc, thread,
                           *stamps, first, end, count)
        self.parts.append((self.at, head + struct.pack("<I", zlib.crc32(head)) + payload))
        self.at += FRAME + (length + 7 & ~7)
        return self

    def packed(self, kind, raw, **more):
        return self.frame(kind, zlib.compress(raw, 9), codec=1, raw=len(raw), **more)

    def records(self, *records):
        body = b"".join(records)
        return self.frame(RECORDS, body, first=0, end=len(body))

    def nodes(self, first, nodes):
        """(parent, ip, module) of each id from `first` on."""
        parents = b"".join(varint(first + i - node[0]) for i, node in enumerate(nodes))
        ips, infos, ip, info = b"", b"", 0, 0
        for node in nodes:
            ips, infos = ips + signed(node[1] - ip), infos + signed(node[2] - info)
            ip, info = node[1], node[2]
        return self.frame(NODES, parents + ips + infos, first=first, end=first + len(nodes), count=len(nodes))

    def to_page(self):
        left = -(self.at + FRAME) % PAGE
        if left:
            self.frame(PAD, stored=left - FRAME if left >= FRAME else left + PAGE - FRAME)

    def slot(self, kind, owner, head, tail, data, size, **more):
        """A slot of `size` bytes of data behind its control page."""
        self.to_page()
        control = bytearray(PAGE)
        struct.pack_into("<II", control, 0, owner, owner + 1000)
        struct.pack_into("<Q", control, 64, head)
        struct.pack_into("<Q", control, 128, tail)
        return self.frame(kind, bytes(control) + data, stored=PAGE + size, **more)

    def ring(self, thread, events, size=1 << 20):
        words = [word for e in events for word in e]
        data = struct.pack(f"<{len(words)}Q", *words)
        return self.slot(SLOT_RING, thread, len(words), 0, data, max(size, 1 << (len(data) - 1).bit_length()))

    def write_bytes(self):
        """What `write` puts in a file, zeros and all."""
        content = bytearray(self.at)
        content[:HEADER] = self.header()
        for at, data in self.parts:
            content[at:at + len(data)] = data
        return content

    def header(self):
        head = bytearray(HEADER)
        struct.pack_into("<8sHHIII16sIBB", head, 0, b"TIDEMARK", 2, 0, HEADER, 0, 0, b"hostile hostile!", self.pid, 1, 8)
        struct.pack_into("<IxxxxQQ", head, 48, self.state, self.at, 0)
        return head

    def write(self, path, size=None):
        with open(path, "wb") as file:
            file.write(self.header())
            for at, data in self.parts:
                file.seek(at)
                file.write(data)
            file.truncate(self.at if size is None else size)
        return path


def process(name, pid=4711):
    """The first record: every text of it is `name(WHICH)`."""
    return record(PROCESS, pid, 1, 10**9, 0, 0, Raw(b"B" * 16), 1, 2, 1 << 30, 4096, 256, 10**7, 0, 0, name("exe"), name("cwd"),
                  name("host"), name("kernel"), name("libc"), name("allocator"), name("parent"), name("recorder"), 3,
                  name("exe"), name("argument"), name("-argument"))


def clock(stamp):
    return record(CLOCK, stamp, stamp, stamp, 1_700_000_000_000_000_000 + stamp)


class Bundle:
    """A bundle (docs/bundle.md): members are (kind, name, size, crc, [(gap, bytes)])."""

    TRACE, NAMES, JIT = 1, 2, 3

    def __init__(self):
        self.members = []

    def add(self, kind, name, size, extents, crc=0, lengths=None):
        self.members.append((kind, name, size, crc, extents, lengths))
        return self

    def write(self, path):
        directory, content = bytearray(varint(len(self.members))), b""
        for kind, name, size, crc, extents, lengths in self.members:
            directory += varint(kind) + text(name) + varint(size) + struct.pack("<I", crc) + varint(len(extents))
            for i, (gap, data) in enumerate(extents):
                directory += varint(gap) + varint(lengths[i] if lengths else len(data))
                content += data
        with open(path, "wb") as file:
            file.write(struct.pack("<8sIIQ", b"TMKBUNDL", 1, zlib.crc32(directory), len(directory)) + directory + content)
        return path
