#!/usr/bin/env python3
"""A second decoder of Tidemark traces, written from include/FORMAT.md alone: decode.py TRACE

Prints the text of docs/dump-format.md, which `tidemark dump` prints too; the tests compare the two byte by byte. It is
slow and plain on purpose: every rule of FORMAT.md stands here once more, in other words than in the C code. Damage is
said on stderr; the exit code is 1 for a file that is no trace, else 0.

    trace version=1.0 run=<h> pid=<n> stamps=<tsc|counter> pointer=<n> state=<open|closed> lost=<n>
    event <thread> <n> <name> stamp=<n or ~> operand=<x> size=<n> stack=<n> flags=<n> partner=<n>
    node <id> parent=<n> ip=<x> module=<n> flags=<none, or of: partial cut signal>
    record <name> <key>=<value> ...
"""
import struct
import sys
import zlib

M32, M48, M64 = (1 << 32) - 1, (1 << 48) - 1, (1 << 64) - 1
PAYLOAD_MAX = 16 << 20

EVENTS = {
    1: 'alloc', 2: 'free', 3: 'realloc-out', 4: 'realloc-in', 5: 'realloc-fail', 6: 'map', 7: 'unmap', 8: 'unmap-fail',
    9: 'remap-out', 10: 'remap-in', 11: 'remap-fail', 12: 'break', 13: 'advise', 32: 'phase-begin', 33: 'phase-end',
    34: 'items', 35: 'op-begin', 36: 'op-end', 37: 'op-start', 38: 'op-finish', 39: 'value', 40: 'mark', 41: 'pause',
    42: 'resume', 43: 'exit', 44: 'exec', 45: 'exec-fail', 46: 'fork', 47: 'stop', 48: 'anomaly',
}
TWO_WORDS = {2, 3, 32, 33, 35, 40, 41, 42, 44, 46}
ALLOC, FREE, REALLOC_OUT, REALLOC_IN = 1, 2, 3, 4
WIDE, FAILED, INTERPOLATED = 1, 2, 128

# Fields of the records: u number, x hexadecimal, s string, h bytes, 16 sixteen bytes.
RECORDS = {
    1: ('process', 'pid:u parent:u start:u exec:u uid:u boot:16 pidns:u cpus:u ram:u page:u depth:u interval:u flags:u '
                   'split:u exe:s cwd:s host:s kernel:s libc:s allocator:s parent-trace:s recorder:s'),
    2: ('module', 'id:u stamp:u start:x end:x bias:x path:s build-id:h'),
    3: ('module-gone', 'id:u stamp:u'),
    4: ('thread', 'serial:u tid:u stamp:u name:s'),
    5: ('thread-name', 'serial:u name:s'),
    6: ('thread-end', 'serial:u stamp:u'),
    7: ('string', 'id:u text:s'),
    8: ('clock', 'stamp:u monotonic:u boottime:u realtime:u'),
    9: ('memory', 'stamp:u vms:u rss:u shared:u recorder:u cpu:u threads:u fds:u flags:u'),
    10: ('rollup', 'stamp:u rss:u pss:u anonymous:u swap:u private-dirty:u cost:u'),
    11: ('residency', 'stamp:u first:x page:u'),
    12: ('loss', 'first:u last:u thread:u events:u cause:u'),
    13: ('watermark', 'stamp:u'),
    14: ('child', 'stamp:u pid:u how:u traced:u path:s why:s'),
    15: ('stopped', 'stamp:u cause:u errno:u'),
    16: ('end', 'stamp:u how:u status:u events:u cpu:u resident:u libunwind:u partial:u cut:u checked:u different:u'),
    17: ('mapping', 'stamp:u'),
    18: ('exited', 'kind:u value:u resident:u user:u system:u'),
    19: ('request', 'stamp:u command:u flags:u name:s'),
}


class Bad(Exception):
    """The bytes are not what FORMAT.md says."""


def complain(text):
    print('decode.py: ' + text, file=sys.stderr)


def unzigzag(value):
    return (value >> 1) ^ -(value & 1)


def signed64(value):
    value &= M64
    return value - (1 << 64) if value >> 63 else value


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def bytes(self, length):
        if length > self.left():
            raise Bad('cut')
        self.at += length
        return self.data[self.at - length:self.at]

    def u8(self):
        return self.bytes(1)[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                break
            if shift > 63:
                raise Bad('varint too long')
        if value > M64:
            raise Bad('varint too large')
        return value

    def signed(self):
        return unzigzag(self.varint())

    def string(self):
        return self.bytes(self.varint())


# ---- Event columns (FORMAT.md section 6) ----

TOKENS, ESCAPES, STACKS, SIZES, ADDRESSES, BLOCKS, FOREIGN, OTHERS, CONTROLS, STAMPS, EDGES, CLASSES, REUSED = range(13)
GROUPS = [(0, ALLOC, 'alloc'), (81, REALLOC_IN, 'alloc'), (162, FREE, 'local'), (174, FREE, 'foreign'),
          (183, REALLOC_OUT, 'local'), (195, REALLOC_OUT, 'foreign'), (204, 0, 'escape')]


def size_class(size):
    units = max(2, (size + 23) // 16)
    if units < 128:
        return units
    top = units.bit_length() - 1
    return min(255, 128 + 8 * (top - 7) + (units >> (top - 3)) % 8)


class Event:
    __slots__ = ('kind', 'flags', 'address', 'size', 'stack', 'stamp', 'partner', 'stored')

    def __init__(self, kind=0, flags=0):
        self.kind, self.flags = kind, flags
        self.address = self.size = self.stack = self.stamp = self.partner = 0
        self.stored = True

    def is_block(self):
        return 1 <= self.kind <= 4 and not self.flags & FAILED


class Stack:
    def __init__(self, id):
        self.id, self.size, self.next = id, 0, 0
        self.blocks = Chain()


class Chain:
    """A list in order of age, from which any member can go: dicts keep their order."""

    def __init__(self):
        self.older, self.newer, self.newest, self.oldest = {}, {}, None, None
        self.gap = (None, None)  # older and newer neighbour of the member that went last

    def add(self, member):
        self.older[member], self.newer[member] = self.newest, None
        if self.newest is None:
            self.oldest = member
        else:
            self.newer[self.newest] = member
        self.newest = member

    def remove(self, member):
        older, newer = self.older.pop(member), self.newer.pop(member)
        if newer is None:
            self.newest = older
        else:
            self.older[newer] = older
        if older is None:
            self.oldest = newer
        else:
            self.newer[older] = newer
        self.gap = (older, newer)

    def __contains__(self, member):
        return member in self.older


class SizeClass:
    def __init__(self):
        self.free = Chain()
        self.address = self.step = 0


class Regions:
    def __init__(self):
        self.at, self.turn = [0, 0], 0

    def take(self, cursor):
        v = cursor.varint()
        which = v % 2
        delta = 16 * unzigzag(v // 2) if v else cursor.signed()
        address = (self.at[which] + delta) & M48
        if abs(address - self.at[which]) > 65536:
            which = self.turn % 2
            self.turn += 1
        self.at[which] = address
        return address


class Context:
    __slots__ = ('number', 'first', 'second', 'stack', 'size')

    def __init__(self, number):
        self.number, self.first, self.second, self.stack, self.size = number, None, None, 0, 0


class Columns:
    """One events frame."""

    def __init__(self, payload):
        head = Cursor(payload)
        layout, scale, self.count = head.varint(), head.varint(), head.varint()
        lengths = [head.varint() for _ in range(13)]
        if layout > 1 or not 6 <= scale <= 15 or self.count > 1 << scale:
            raise Bad('head of an events frame')
        self.ordered = layout & 1
        self.column = [Cursor(head.bytes(length)) for length in lengths]
        if head.left():
            raise Bad('bytes behind the columns')
        self.context_count = 1 << min(scale, 13)
        self.contexts, self.history, self.row = {}, [0, 0, 0], 0
        self.stacks, self.last_stack, self.last_new = [Stack(0)], 0, 0
        self.classes = {}
        self.class_of = {}  # of an allocation its own; of a release the list that its block is in
        self.stack_of = {}
        self.alive = Chain()
        self.last_freed = None  # event
        self.last_freed_address = self.sequential = 0
        self.given, self.given_foreign = Regions(), Regions()
        self.foreign, self.differences, self.after, self.streams = 0, (0, 0), {}, {}
        self.other_operand = self.other_stack = 0
        self.events = []

    def find_context(self):
        h = (0x9e3779b1 * self.history[0] + 0x85ebca77 * self.history[1] + 0xc2b2ae3d * self.history[2]) & M32
        number = (h ^ h >> 15) % self.context_count
        return self.contexts.setdefault(number, Context(number))

    def mark(self, what):
        self.history = [what] + self.history[:2]

    def token(self, context):
        code = self.column[TOKENS].u8()
        token = context.first if code == 0 else context.second if code == 1 else code - 2
        if token is None or token > 204:
            raise Bad('token')
        if token != context.first:
            context.first, context.second = token, context.first
        return token

    def klass(self, number):
        return self.classes.setdefault(number, SizeClass())

    def take_stack(self, choice, context):
        if choice == 2:
            number = self.column[STACKS].varint()
            if number == 0:
                self.last_new = (self.last_new + self.column[STACKS].signed()) & M32
                if len(self.stacks) > 8191:
                    return 0, self.last_new
                self.stacks.append(Stack(self.last_new))
                return len(self.stacks) - 1, self.last_new
        else:
            number = context.stack if choice == 0 else self.stacks[self.last_stack].next
        if not 0 < number < len(self.stacks):
            raise Bad('stack')
        return number, self.stacks[number].id

    def take_address(self, choice, klass, index):
        """The address, and the release whose block is taken."""
        free = klass.free
        if choice <= 4:
            release = (free.newest, free.gap[0], free.gap[1], free.oldest, None)[choice]
            if choice == 4:
                release = index - self.column[REUSED].varint()
            if release is None or release not in free:
                raise Bad('free block')
            return self.events[release].address, release
        if choice == 8:
            return self.given.take(self.column[ADDRESSES]), None
        return (self.last_freed_address, self.sequential, (klass.address + klass.step) & M48)[choice - 5], None

    def allocation(self, event, choices, context):
        index = len(self.events)
        stack_choice, size_choice, address_choice = choices // 27, choices // 9 % 3, choices % 9
        number, event.stack = self.take_stack(stack_choice, context)
        stack = self.stacks[number]
        event.size = self.column[SIZES].varint() if size_choice == 2 else (stack.size, context.size)[size_choice]
        self.class_of[index] = size_class(event.size)
        klass = self.klass(self.class_of[index])
        event.address, release = self.take_address(address_choice, klass, index)
        if address_choice == 5:
            if self.last_freed is not None:
                release = self.last_freed if self.class_of[self.last_freed] else None
            self.last_freed = None
        elif address_choice > 5:
            self.sequential = event.address + max(32, (event.size + 23) // 16 * 16)
            self.sequential &= M64
        if release is not None:
            self.klass(self.class_of[release]).free.remove(release)
            self.class_of[release] = 0
        klass.step, klass.address = event.address - klass.address, event.address
        context.stack, context.size = number, event.size & M32
        stack.size = event.size & M32
        self.stacks[self.last_stack].next, self.last_stack = number, number
        self.alive.add(index)
        stack.blocks.add(index)
        self.stack_of[index] = number
        self.row = 0
        self.mark(number + 1)

    def freed(self, event, klass):
        index = len(self.events)
        self.class_of[index] = klass
        if klass:
            self.klass(klass).free.add(index)
        self.last_freed, self.last_freed_address = index, event.address

    def local(self, event, choices, context):
        index = len(self.events)
        choice, drop = choices // 2, choices % 2
        of_stack = self.stacks[context.stack].blocks
        if choice == 5:
            block = index - self.column[BLOCKS].varint()
        else:
            block = (of_stack.newest, self.alive.gap[1], self.alive.gap[0], self.alive.newest, of_stack.oldest)[choice]
        if block is None or block not in self.alive:
            raise Bad('block')
        event.address = self.events[block].address
        event.partner = self.events[block].partner = index - block
        number = self.stack_of[block]
        self.alive.remove(block)
        self.stacks[number].blocks.remove(block)
        self.freed(event, 0 if drop else self.class_of[block])
        context.stack = number
        self.row = 0
        self.mark(0x10000 + number)

    def foreign_release(self, event, choices, context):
        choice, class_choice = choices // 3, choices % 3
        key = ((0x9e3779b97f4a7c15 * self.differences[0] + 0xc2b2ae3d27d4eb4f * self.differences[1] & M64) >> 40) % 2048
        stream = self.streams.setdefault(context.number % 1024, [0, 0])
        if choice == 0:
            event.address = (self.foreign + self.after.get(key, 0)) & M48
        elif choice == 1:
            event.address = (stream[0] + stream[1]) & M48
        else:
            event.address = self.given_foreign.take(self.column[FOREIGN])
        difference = (event.address - self.foreign) & M64
        self.after[key] = difference
        self.differences = (difference, self.differences[0])
        self.foreign = event.address
        stream[1], stream[0] = event.address - stream[0], event.address
        klass = (context.size % 256, 0, None)[class_choice]
        if klass is None:
            klass = self.column[CLASSES].u8()
        if klass:
            context.size = klass
        self.freed(event, klass)
        self.row = min(15, self.row + 1)
        self.mark(0x20000 + self.row)

    def other(self, event):
        if event.kind >= 32:
            event.address, event.size = self.column[CONTROLS].varint(), self.column[CONTROLS].varint()
            if event.address > M48:
                raise Bad('operand')
            return
        if event.kind == 0:
            raise Bad('kind')
        column = self.column[OTHERS]
        event.address = self.other_operand = (self.other_operand + column.signed()) & M48
        event.size = column.varint()
        event.stack = self.other_stack = (self.other_stack + column.signed()) & M32

    def event(self):
        event = Event()
        context = self.find_context()
        token = self.token(context)
        if token == 204:
            event.kind, event.flags = self.column[ESCAPES].u8(), self.column[ESCAPES].u8()
            if event.flags & INTERPOLATED:
                raise Bad('flags')
            self.mark(0x30000 + event.kind)
            if not event.is_block():
                self.other(event)
                return event
            context = self.find_context()
            token = self.token(context)
            if not event.flags:
                raise Bad('escape')
        start, kind, group = [g for g in GROUPS if g[0] <= token][-1]
        if event.kind not in (0, kind):
            raise Bad('kind of a token')
        event.kind = kind
        read = {'alloc': self.allocation, 'local': self.local, 'foreign': self.foreign_release}[group]
        read(event, token - start, context)
        return event

    def stamps(self):
        edges, at = set(), 0
        while self.column[EDGES].left():
            at += self.column[EDGES].varint()
            if at in edges or at >= self.count:
                raise Bad('edge')
            edges.add(at)
        last, stamp = 0, 0
        for i, event in enumerate(self.events):
            event.stored = (i in edges or i % 1024 == 0 or i == self.count - 1 or event.kind >= 32
                            or (self.ordered and not event.partner))
            if not event.stored:
                continue
            stamp = event.stamp = (stamp + self.column[STAMPS].signed()) & M64
            if i > last:
                a = self.events[last].stamp
                difference = signed64(stamp - a)
                q = abs(difference) // (i - last) * (-1 if difference < 0 else 1)
                for k in range(last + 1, i):
                    self.events[k].stamp = (a + (k - last) * q) & M64
            last = i

    def decode(self):
        for _ in range(self.count):
            self.events.append(self.event())
        self.stamps()
        if any(column.left() for column in self.column):
            raise Bad('unused bytes in a column')
        return self.events


def nested_events(queue, newest):
    """The words of a nested queue without gaps, and without a first event that was moved into the ring."""
    words, at, first = [], 0, True
    while at < len(queue):
        if not queue[at] & 255:
            at += max(1, queue[at] >> 16)
            continue
        count = (2 if queue[at] & 255 in TWO_WORDS else 3) + (queue[at] >> 8 & WIDE)
        event = queue[at:at + count]
        if not (first and newest[-count:] == event):
            words += event
        first = False
        at += count
    return words


def events_of_words(words):
    """Events of a ring, as far as they are whole and valid; True behind them if all were."""
    events, at = [], 0
    while at < len(words):
        kind, flags = words[at] & 255, words[at] >> 8 & 255
        if kind not in EVENTS or flags & INTERPOLATED:
            return events, False
        count = 2 if kind in TWO_WORDS else 3
        wide = flags & WIDE
        if wide and (count == 2 or kind >= 32) or at + count + wide > len(words):
            return events, False
        event = Event(kind, flags)
        event.address, event.stamp = words[at] >> 16, words[at + 1]
        if count == 3:
            event.size = words[at + 2] if kind >= 32 else words[at + 2] & M32
            event.stack = 0 if kind >= 32 else words[at + 2] >> 32
        if wide:
            event.size = words[at + 3]
        events.append(event)
        at += count + wide
    return events, True


# ---- The text ----

def quoted(data):
    return '"' + ''.join(chr(b) if 32 <= b <= 126 and b not in b'"\\' else f'\\x{b:02x}' for b in data) + '"'


def field(cursor, kind):
    if kind == 's':
        return quoted(cursor.string())
    if kind == 'h':
        return cursor.string().hex()
    if kind == '16':
        return cursor.bytes(16).hex()
    return f'{cursor.varint():#x}' if kind == 'x' else str(cursor.varint())


def record_tail(name, body, fields):
    """What the table of fields can't say: repetitions, and a field that is there for one cause only."""
    if name == 'process':
        return [f'arg={quoted(body.string())}' for _ in range(body.varint())]
    if name == 'module':
        return ['segment=' + ','.join([f'{body.varint():#x}'] + [str(body.varint()) for _ in range(3)])
                for _ in range(body.varint())]
    if name == 'residency':
        runs = []
        while body.left():
            runs.append(str(body.varint()))
        return ['runs=' + ','.join(runs)]
    if name == 'loss' and fields[-1] == 'cause=2':
        return [f'errno={body.varint()}']
    if name == 'mapping':
        maps, end = [], 0
        for _ in range(body.varint()):
            start, length, flags = (end + body.varint()) & M64, body.varint(), body.varint()
            maps.append(f'map={start:#x},{length},{flags},{quoted(body.string())}')
            end = start + length
        return maps
    return []


def record_line(kind, data):
    name, table = RECORDS[kind]
    body = Cursor(data)
    fields = []
    for entry in table.split():
        key, type = entry.split(':')
        fields.append(f'{key}={field(body, type)}')
    fields += record_tail(name, body, fields)
    return ' '.join(['record', name] + fields)


def print_records(data):
    cursor = Cursor(data)
    while cursor.left():
        try:
            kind = cursor.varint()
            body = cursor.bytes(cursor.varint())
            if kind in RECORDS:
                print(record_line(kind, body))
        except Bad as why:
            complain(f'records end early: {why}')
            return


class Dump:
    def __init__(self, data):
        self.data = data
        self.numbers = {}     # events printed, by thread
        self.event_end = {}   # end of the good events frames, by thread
        self.record_end = 0
        self.node_ids = set()  # of good nodes frames
        self.slots = []

    def header(self):
        data = self.data
        if len(data) < 256 or data[:8] != b'TIDEMARK':
            raise Bad('no trace')
        major, minor, self.header_size = struct.unpack_from('<HHI', data, 8)
        incompatible, = struct.unpack_from('<I', data, 20)
        pid, source, pointer = struct.unpack_from('<IBB', data, 40)
        state, = struct.unpack_from('<I', data, 48)
        tail, lost = struct.unpack_from('<QQ', data, 56)
        if major != 1 or incompatible:
            raise Bad(f'version {major}.{minor}, features {incompatible:#x}')
        self.tail = min(tail, len(data))
        print(f'trace version={major}.{minor} run={data[24:40].hex()} pid={pid} '
              f'stamps={ {1: "tsc", 2: "counter"}.get(source, source) } pointer={pointer} '
              f'state={ {1: "open", 2: "closed"}.get(state, state) } lost={lost}')

    def frame_at(self, at):
        if at + 64 > self.tail or self.data[at:at + 4] != b'TMCH':
            return None
        head = self.data[at:at + 64]
        if zlib.crc32(head[:60]) != struct.unpack_from('<I', head, 60)[0]:
            return None
        kind, codec, flags, raw, stored, crc, thread = struct.unpack_from('<HBBIIII', head, 4)
        first, end = struct.unpack_from('<QQ', head, 40)
        count, = struct.unpack_from('<I', head, 56)
        if raw > PAYLOAD_MAX or stored > PAYLOAD_MAX:
            return None
        return dict(kind=kind, codec=codec, raw=raw, stored=stored, crc=crc, thread=thread, first=first, end=end,
                    count=count, at=at + 64)

    def payload(self, frame):
        data = self.data[frame['at']:frame['at'] + frame['stored']]
        if len(data) < frame['stored']:
            raise Bad('cut payload')
        if frame['kind'] >= 16:
            return data
        if zlib.crc32(data) != frame['crc']:
            raise Bad('CRC of a payload')
        if frame['codec'] == 1:
            stream = zlib.decompressobj()
            try:
                data = stream.decompress(data, frame['raw'] + 1)
            except zlib.error as why:
                raise Bad('zlib stream') from why
            if not stream.eof or stream.unused_data:
                raise Bad('zlib stream')
        elif frame['codec'] != 0:
            raise Bad('codec')
        if len(data) != frame['raw']:
            raise Bad('length of a payload')
        return data

    def print_event(self, thread, event):
        number = self.numbers.get(thread, 0)
        self.numbers[thread] = number + 1
        name = EVENTS.get(event.kind, f'kind-{event.kind}')
        print(f'event {thread} {number} {name} stamp={event.stamp if event.stored else "~"} operand={event.address:#x} '
              f'size={event.size} stack={event.stack} flags={event.flags} partner={event.partner}')

    def print_node(self, id, parent, ip, info):
        if not ip:
            return
        flags = [name for bit, name in ((31, 'partial'), (30, 'cut'), (29, 'signal')) if info >> bit & 1]
        print(f'node {id} parent={parent} ip={ip:#x} module={info & (1 << 29) - 1} flags={",".join(flags) or "none"}')

    def events_frame(self, frame):
        events = Columns(self.payload(frame)).decode()
        if len(events) != frame['count']:
            raise Bad('count of events')
        thread = frame['thread']
        for event in events:
            self.print_event(thread, event)
        self.event_end[thread] = max(self.event_end.get(thread, 0), frame['end'])

    def records_frame(self, frame):
        print_records(self.payload(frame))
        self.record_end = max(self.record_end, frame['end'])

    def nodes_frame(self, frame):
        cursor = Cursor(self.payload(frame))
        ids = range(frame['first'], frame['end'])
        if len(ids) > PAYLOAD_MAX:
            raise Bad('count of nodes')
        parents = [id - cursor.varint() for id in ids]
        columns = []
        for _ in range(2):
            last, column = 0, []
            for _ in ids:
                last += cursor.signed()
                column.append(last)
            columns.append(column)
        if cursor.left():
            raise Bad('bytes behind the nodes')
        for id, parent, ip, info in zip(ids, parents, columns[0], columns[1]):
            self.print_node(id, parent, ip & M64, info & M32)
        self.node_ids.update(ids)

    def frames(self):
        readers = {2: self.events_frame, 3: self.records_frame, 4: self.nodes_frame}
        at = self.header_size
        while at + 64 <= self.tail:
            frame = self.frame_at(at)
            if not frame:
                at += 8
                continue
            try:
                if frame['kind'] in (16, 17, 18):
                    self.slots.append(frame)
                elif frame['kind'] in readers:
                    readers[frame['kind']](frame)
            except Bad as why:
                complain(f'frame at {at}: {why}')
            at = (frame['at'] + frame['stored'] + 7) & ~7

    def ring_slot(self, data):
        thread, = struct.unpack_from('<I', data, 0)
        if not thread:
            return
        head, tail = struct.unpack_from('<Q', data, 64)[0], struct.unpack_from('<Q', data, 128)[0]
        nested = struct.unpack_from('<Q', data, 192)[0]
        size = (len(data) - 4096) // 8
        start = max(tail, self.event_end.get(thread, 0))
        if start > head:
            start = head
        if head - start > size or nested > 448:
            raise Bad('positions of a ring')
        words = [struct.unpack_from('<Q', data, 4096 + p % size * 8)[0] for p in range(start, head)]
        queue = list(struct.unpack_from(f'<{nested}Q', data, 512))
        newest = [struct.unpack_from('<Q', data, 4096 + p % size * 8)[0] for p in range(max(0, head - 4), head)]
        for part in (words, nested_events(queue, newest)):
            events, whole = events_of_words(part)
            for event in events:
                self.print_event(thread, event)
            if not whole:
                complain(f'ring of thread {thread} has an invalid event')

    def journal_slot(self, data):
        used, = struct.unpack_from('<I', data, 0)
        if not used:
            return
        head, tail = struct.unpack_from('<Q', data, 64)[0], struct.unpack_from('<Q', data, 128)[0]
        size = len(data) - 4096
        start = min(head, max(tail, self.record_end))
        if head - start > size:
            raise Bad('positions of the journal')
        print_records(bytes(data[4096 + p % size] for p in range(start, head)))

    def nodes_slot(self, data, first):
        for i in range(len(data) // 16):
            ip, parent, info = struct.unpack_from('<QII', data, i * 16)
            if first + i not in self.node_ids:
                self.print_node(first + i, parent, ip, info)

    def slot(self, frame):
        data = self.payload(frame)
        if frame['kind'] == 18:
            self.nodes_slot(data, frame['first'])
        elif len(data) <= 4096:
            raise Bad('length of a slot')
        elif frame['kind'] == 16:
            self.ring_slot(data)
        else:
            self.journal_slot(data)

    def run(self):
        self.header()
        self.frames()
        for frame in self.slots:
            try:
                self.slot(frame)
            except Bad as why:
                complain(f'slot at {frame["at"]}: {why}')


def main():
    if len(sys.argv) != 2:
        complain('usage: decode.py TRACE')
        return 2
    try:
        with open(sys.argv[1], 'rb') as file:
            Dump(file.read()).run()
    except (Bad, OSError) as why:
        complain(str(why))
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
