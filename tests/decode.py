#!/usr/bin/env python3
"""A second decoder of Tidemark traces, written from include/FORMAT.md alone: decode.py TRACE

Prints the text of docs/dump-format.md, which `tidemark dump` prints too; the tests compare the two byte by byte. It is
slow and plain on purpose: every rule of FORMAT.md stands here once more, in other words than in the C code. Damage is
said on stderr; the exit code is 1 for a file that is no trace, else 0.

    trace version=2.0 run=<h> pid=<n> stamps=<tsc|counter> pointer=<n> state=<open|closed> lost=<n>
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

(TOKENS, RUNS, SURPRISES, ESCAPES, STACKS, SIZES, SIZES_REST, ADDRESSES, ADDRESSES_REST, BLOCKS, BLOCKS_REST, REUSED,
 REUSED_REST, FOREIGN, OTHERS, CONTROLS, STAMPS, EDGES) = range(18)
ESCAPE = 180
GROUPS = [(0, ALLOC, 'alloc'), (81, REALLOC_IN, 'alloc'), (162, FREE, 'local'), (168, FREE, 'foreign'),
          (171, REALLOC_OUT, 'local'), (177, REALLOC_OUT, 'foreign'), (ESCAPE, 0, 'escape')]
BLOCKS_MAX, STACKS_MAX, SEGMENT_MAX, REACH = 32767, 16383, 1 << 20, 65536


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


def split(lead, rest):
    """A number of two columns."""
    low = lead.u8()
    if low < 128:
        return low
    high = rest.varint()
    if not high or high >> 57:
        raise Bad('rest of a number')
    return high << 7 | low & 127


class Stack:
    def __init__(self):
        self.id = self.size = self.next = 0
        self.blocks = Chain()


class Chain:
    """A list in order of age, from which any member can go."""

    def __init__(self):
        self.older, self.newer, self.newest, self.oldest = {}, {}, None, None

    def add(self, member):
        self.older[member], self.newer[member] = self.newest, None
        if self.newest is None:
            self.oldest = member
        else:
            self.newer[self.newest] = member
        self.newest = member

    def remove(self, member):
        """Returns the older and the newer neighbour."""
        older, newer = self.older.pop(member), self.newer.pop(member)
        if newer is None:
            self.newest = older
        else:
            self.older[newer] = older
        if older is None:
            self.oldest = newer
        else:
            self.newer[older] = newer
        return older, newer


class Block:
    def __init__(self, number):
        self.number, self.state = number, 'unused'
        self.address = self.klass = self.ordinal = self.event = self.stack = 0


class SizeClass:
    def __init__(self):
        self.free = Chain()
        self.gap = (None, None)
        self.address = self.step = 0


class Regions:
    def __init__(self):
        self.at, self.turn = [0, 0], 0

    def take(self, lead, rest):
        v = split(lead, rest)
        which = v % 2
        delta = 16 * unzigzag(v // 2) if v else rest.signed()
        address = (self.at[which] + delta) & M48
        if abs(address - self.at[which]) > 65536:
            which = self.turn % 2
            self.turn += 1
        self.at[which] = address
        return address


class Context:
    __slots__ = ('number', 'tag', 'first', 'second', 'stack', 'size', 'hits')

    def __init__(self, number, tag=0, general=None):
        self.number, self.tag, self.hits = number, tag, 0
        self.first, self.second = (general.first, general.second) if general else (None, None)
        self.stack, self.size = (general.stack, general.size) if general else (0, 0)

    def expect(self, token):
        if token != self.first:
            self.first, self.second = token, self.first


class Segment:
    """What one thread's frames, one after the other, have told."""

    def __init__(self, scale):
        self.scale, self.base = scale, 0
        self.context_count, self.general_count = 1 << min(scale, 14), 1 << min(scale, 12)
        self.contexts, self.generals, self.history, self.row = {}, {}, [0, 0, 0], 0
        self.stacks, self.stack_turn, self.last_stack, self.last_new = [Stack()], 1, 0, 0
        self.classes, self.blocks, self.block_turn = {}, [None], 1
        self.made, self.released, self.by_birth, self.by_release = 0, 0, {}, {}
        self.alive, self.ended = Chain(), (None, None)
        self.last_freed, self.sequential = None, 0
        self.given, self.given_foreign = Regions(), Regions()
        self.foreign, self.differences, self.after, self.streams = 0, (0, 0), {}, {}

    def find_context(self):
        h = (0x9e3779b1 * self.history[0] + 0x85ebca77 * self.history[1] + 0xc2b2ae3d * self.history[2]) & M32
        h ^= h >> 15
        number, tag = h % self.context_count, (h >> 14 | 1) & 0xffff
        context = self.contexts.get(number)
        if not context or context.tag != tag:
            context = self.contexts[number] = Context(number, tag, self.general())
        return context

    def general(self):
        number = (0x9e3779b1 * self.history[0] & M32) >> 20
        number %= self.general_count
        return self.generals.setdefault(number, Context(number))

    def mark(self, what):
        self.history = [what] + self.history[:2]

    def klass(self, number):
        return self.classes.setdefault(number, SizeClass())

    def new_stack(self, id):
        self.last_new = id
        if len(self.stacks) <= STACKS_MAX:
            self.stacks.append(Stack())
            number = len(self.stacks) - 1
        else:
            number = self.stack_turn
            self.stack_turn = number % STACKS_MAX + 1
        stack = self.stacks[number]
        stack.id, stack.size, stack.next = id, 0, 0
        return number

    def leave(self, block):
        """The block goes out of its lists; its neighbours in the first of them."""
        if block.state == 'free':
            return self.klass(block.klass).free.remove(block)
        self.stacks[block.stack].blocks.remove(block)
        return self.alive.remove(block)

    def new_block(self):
        if len(self.blocks) <= BLOCKS_MAX:
            self.blocks.append(Block(len(self.blocks)))
            return self.blocks[-1]
        for _ in range(8):
            block = self.blocks[self.block_turn]
            self.block_turn = self.block_turn % BLOCKS_MAX + 1
            if block.state == 'free':
                break
        self.leave(block)
        block.state = 'unused'
        return block

    def free(self, block):
        self.released += 1
        block.state, block.ordinal = 'free', self.released
        self.by_release[self.released] = block
        self.by_release.pop(self.released - REACH, None)
        self.klass(block.klass).free.add(block)
        self.last_freed = block


class Columns:
    """One events frame; `segment` is what the thread's frame before it left, or None."""

    def __init__(self, payload, segment):
        head = Cursor(payload)
        layout, scale, self.count = head.varint(), head.varint(), head.varint()
        lengths = [head.varint() for _ in range(18)]
        if layout > 7 or layout & 6 == 6 or not 6 <= scale <= 15 or self.count > 1 << scale:
            raise Bad('head of an events frame')
        if layout & 4:
            segment = None
        elif not layout & 2:
            segment = Segment(scale)
        elif not segment or segment.scale != scale or segment.base >= SEGMENT_MAX:
            raise Bad('the frame before it is missing')
        self.ordered, self.segment = layout & 1, segment
        self.column = [Cursor(head.bytes(length)) for length in lengths]
        if head.left():
            raise Bad('bytes behind the columns')
        self.other_operand = self.other_stack = 0
        self.events = []
        self.plain = layout & 4
        if not self.plain:
            self.take_run()

    def split(self, lead):
        return split(self.column[lead], self.column[lead + 1])

    def take_run(self):
        self.run = self.column[RUNS].varint() if self.column[RUNS].left() else None

    def token(self, context):
        sure = context.hits == 3
        if sure and self.run != 0:
            self.run = self.run and self.run - 1
            return context.first
        code = self.column[SURPRISES if sure else TOKENS].u8()
        token = context.first if code == 0 else context.second if code == 1 else code - 2
        if token is None or token > ESCAPE or sure and not code:
            raise Bad('token')
        if sure:
            self.take_run()
        if code == 0:
            context.hits = min(3, context.hits + 1)
        else:
            context.hits = 0
            context.expect(token)
            self.segment.general().expect(token)
        return token

    def take_stack(self, choice, context):
        s = self.segment
        if choice == 2:
            number = self.column[STACKS].varint()
            if number == 0:
                return s.new_stack((s.last_new + self.column[STACKS].signed()) & M32)
        else:
            number = context.stack if choice == 0 else s.stacks[s.last_stack].next
        if not 0 < number < len(s.stacks):
            raise Bad('stack')
        return number

    def take_free_block(self, choice, klass):
        s = self.segment
        if choice == 5:
            block = s.by_release.get(s.released - self.split(REUSED))
        else:
            block = (klass.free.newest, klass.gap[0], klass.gap[1], klass.free.oldest, s.last_freed)[choice]
        if not block or block.state != 'free':
            raise Bad('free block')
        return block

    def take_address(self, choice, klass):
        s = self.segment
        if choice == 8:
            return s.given.take(self.column[ADDRESSES], self.column[ADDRESSES_REST])
        return s.sequential if choice == 6 else (klass.address + klass.step) & M48

    def allocation(self, event, choices, context):
        s = self.segment
        stack_choice, size_choice, address_choice = choices // 27, choices // 9 % 3, choices % 9
        number = self.take_stack(stack_choice, context)
        stack = s.stacks[number]
        event.stack = stack.id
        event.size = self.split(SIZES) if size_choice == 2 else (stack.size, context.size)[size_choice]
        klass = s.klass(size_class(event.size))
        if address_choice <= 5:
            block = self.take_free_block(address_choice, klass)
            event.address = block.address
            gap = s.leave(block)
            s.klass(block.klass).gap = gap
        else:
            event.address = self.take_address(address_choice, klass)
            block = s.new_block()
            s.sequential = (event.address + max(32, (event.size + 23) // 16 * 16)) & M64
        s.made += 1
        block.state, block.ordinal, block.address = 'alive', s.made, event.address
        block.event, block.stack, block.klass = s.base + len(self.events), number, size_class(event.size)
        s.by_birth[s.made] = block
        s.by_birth.pop(s.made - REACH, None)
        s.alive.add(block)
        stack.blocks.add(block)
        klass.step, klass.address = event.address - klass.address, event.address
        size = event.size & M32
        if (context.stack, context.size) != (number, size):
            for learner in (context, s.general()):
                learner.stack, learner.size = number, size
        s.stacks[s.last_stack].next, s.last_stack, stack.size = number, number, size
        s.row = 0
        s.mark(number + 1)

    def take_block(self, choice, context):
        s = self.segment
        of_stack = s.stacks[context.stack].blocks
        if choice < 5:
            return (of_stack.newest, s.ended[1], s.ended[0], s.alive.newest, of_stack.oldest)[choice]
        back = self.split(BLOCKS)
        if back:
            block = s.by_birth.get(s.made + 1 - back)
            return block if block and block.ordinal == s.made + 1 - back else None
        number = self.column[BLOCKS_REST].varint()
        return s.blocks[number] if number < len(s.blocks) else None

    def local(self, event, choice, context):
        s = self.segment
        block = self.take_block(choice, context)
        if not block or block.state != 'alive':
            raise Bad('block')
        event.address = block.address
        if block.event >= s.base:
            made = self.events[block.event - s.base]
            event.partner = made.partner = len(self.events) - (block.event - s.base)
        s.ended = s.leave(block)
        s.free(block)
        if context.stack != block.stack:
            context.stack = s.general().stack = block.stack
        s.row = 0
        s.mark(0x10000 + block.stack)

    def foreign_release(self, event, choice, context):
        s = self.segment
        key = ((0x9e3779b97f4a7c15 * s.differences[0] + 0xc2b2ae3d27d4eb4f * s.differences[1] & M64) >> 40) % 2048
        stream = s.streams.setdefault(context.number % 1024, [0, 0])
        if choice == 0:
            event.address = (s.foreign + s.after.get(key, 0)) & M48
        elif choice == 1:
            event.address = (stream[0] + stream[1]) & M48
        else:
            event.address = s.given_foreign.take(self.column[FOREIGN], self.column[FOREIGN])
        block = s.new_block()
        block.address, block.klass = event.address, 0
        s.free(block)
        difference = (event.address - s.foreign) & M64
        s.after[key] = difference
        s.differences = (difference, s.differences[0])
        s.foreign = event.address
        stream[1], stream[0] = event.address - stream[0], event.address
        s.row = min(15, s.row + 1)
        s.mark(0x20000 + s.row)

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
        event, s = Event(), self.segment
        context = s.find_context()
        token = self.token(context)
        if token == ESCAPE:
            event.kind, event.flags = self.column[ESCAPES].u8(), self.column[ESCAPES].u8()
            if event.flags & INTERPOLATED:
                raise Bad('flags')
            s.mark(0x30000 + event.kind)
            if not event.is_block():
                self.other(event)
                return event
            context = s.find_context()
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
        if self.plain:
            self.events = Plain(self.column, self.count).decode()
        else:
            for _ in range(self.count):
                self.events.append(self.event())
            self.stamps()
            self.segment.base += self.count
        if any(column.left() for column in self.column) or not self.plain and self.run is not None:
            raise Bad('unused bytes in a column')
        return self.events


class Plain:
    """The events of a plain frame."""
    CODES = (1, 129, 5, 133, 0, 128, 4, 132, 16, 144, 20, 148, 17, 145, 21)

    def __init__(self, column, count):
        self.column, self.count = column, count
        self.places, self.turn = [0, 0], 0
        self.stack, self.slots = 0, [0] * 256
        self.latest = {}  # by address: the newest event that began or ended a block, and where it stands

    def tokens(self):
        codes = []
        for _ in range((self.count + 1) // 2):
            byte = self.column[TOKENS].u8()
            codes += [byte & 15, byte >> 4]
        if any(codes[self.count:]):
            raise Bad('a code without an event')
        return codes[:self.count]

    def take_address(self, choice):
        if choice < 2:
            low = self.column[ADDRESSES].u8()
            return (self.places[choice] + 16 * (self.column[ADDRESSES_REST].u8() << 8 | low)) & M48
        v = self.column[FOREIGN].varint()
        address = (self.places[0] + unzigzag(v >> 1) * (1 if v & 1 else 16)) & M48
        self.places[self.turn] = address // 16 * 16 - 524288
        self.turn = 1 - self.turn
        return address

    def take_stack(self, choice):
        if choice == 3:
            raise Bad('stack')
        if choice == 1:
            self.stack = self.slots[self.column[STACKS].u8()]
        elif choice == 2:
            self.stack = self.column[STACKS].varint()
            if self.stack > M32:
                raise Bad('stack')
            self.slots[(0x9e3779b1 * self.stack & M32) >> 24] = self.stack
        return self.stack

    def take_escaped(self, token):
        event = Event(self.column[ESCAPES].u8(), self.column[ESCAPES].u8())
        if event.kind == 0 or event.flags & INTERPOLATED or token & 0x63 or event.is_block() and not event.flags:
            raise Bad('escape')
        fields = self.column[CONTROLS if event.kind >= 32 else OTHERS]
        event.address, event.size = fields.varint(), fields.varint()
        event.stack = 0 if event.kind >= 32 else fields.varint()
        if event.address > M48 or event.stack > M32:
            raise Bad('operand')
        return event

    def take_event(self, token):
        if token >> 2 & 3 == 3:
            return self.take_escaped(token)
        event = Event(1 + (token & 3))
        born = event.kind in (ALLOC, REALLOC_IN)
        if token & (0x40 if born else 0x60):
            raise Bad('token')
        event.address = self.take_address(token >> 2 & 3)
        if born:
            event.size = split(self.column[SIZES], self.column[SIZES_REST])
            event.stack = self.take_stack(token >> 4 & 3)
        return event

    def pair(self, event, place, own):
        if event.kind in (FREE, REALLOC_OUT) and own:
            made, where = self.latest.get(event.address, (event, place))
            if made.kind in (ALLOC, REALLOC_IN):
                event.partner = made.partner = place - where
        self.latest[event.address] = event, place

    def decode(self):
        events, stamp = [], 0
        for code in self.tokens():
            token = self.column[SURPRISES].u8() if code == 15 else self.CODES[code]
            event = self.take_event(token & 127)
            stamp = (stamp + (1 if token & 128 else self.column[STAMPS].signed())) & M64
            event.stamp = stamp
            if event.is_block():
                self.pair(event, len(events), not token & 16)
            events.append(event)
        return events


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
        self.segments = {}    # where the last events frame ended and what it left, by thread
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
        if major != 2 or incompatible & ~1:
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
        thread = frame['thread']
        end, segment = self.segments.pop(thread, (None, None))
        columns = Columns(self.payload(frame), segment if end == frame['first'] else None)
        events = columns.decode()
        self.segments[thread] = frame['end'], columns.segment
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
