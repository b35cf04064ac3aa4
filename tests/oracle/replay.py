"""A replay of `tidemark dump` text, independent of the analyzer: which free ends which allocation, and what cannot be.

Used by the harnesses under tests/; reads the grammar of docs/dump-format.md and nothing else. Events keep their order
within a thread; across threads the exact stamps decide, and an event that has none stands just after the event before it.
"""

import re

EVENT = re.compile(r"^event (\d+) (\d+) (\S+) stamp=(\d+|~) operand=0x([0-9a-f]+) size=(\d+) stack=(\d+) flags=(\d+) "
                   r"partner=(\d+)$")
BORN = {"alloc", "realloc-in"}
DIED = {"free", "realloc-out"}
FAILED = 2


class Event:
    __slots__ = ("thread", "number", "name", "stamp", "exact", "address", "size", "stack", "flags", "partner")

    def __init__(self, match):
        thread, number, self.name, stamp, address, size, stack, flags, partner = match.groups()
        self.thread, self.number, self.size = int(thread), int(number), int(size)
        self.exact = stamp != "~"
        self.stamp = int(stamp) if self.exact else None
        self.address, self.stack, self.flags, self.partner = int(address, 16), int(stack), int(flags), int(partner)


def events(lines):
    """All events in file order; those without a stamp get that of the event before them in their thread."""
    last = {}
    for line in lines:
        if not line.startswith("event "):
            continue
        match = EVENT.match(line)
        if not match:
            raise ValueError(f"not in the grammar: {line[:200]!r}")
        event = Event(match)
        if event.exact:
            last[event.thread] = event.stamp
        else:
            event.stamp = last.get(event.thread, 0)
        yield event


def ordered(found):
    """By stamp; the sort is stable, so that within a thread the order of the file holds where stamps are equal."""
    return sorted(found, key=lambda event: event.stamp)


def summary(lines):
    """Counts of a whole trace: {events, allocations, bytes, frees, live, unknown, impossible, lost}.

    A pair that the trace joins within a frame is ordered by its places there and meets no other block.
    """
    lines = list(lines)
    live, born_before, open_realloc = {}, 0, {}
    counts = {"events": 0, "allocations": 0, "bytes": 0, "frees": 0, "failed": 0, "unknown": 0, "impossible": 0}
    for event in ordered(events(lines)):
        counts["events"] += 1
        if event.name in BORN:
            if event.flags & FAILED:
                counts["failed"] += 1
                continue
            counts["allocations"] += 1
            counts["bytes"] += event.size
            if event.partner:
                continue
            if event.address in live:
                counts["impossible"] += 1
            live[event.address] = event
        elif event.name in DIED:
            counts["frees"] += 1
            if event.partner:
                open_realloc.pop(event.thread, None)
                continue
            open_realloc[event.thread] = live.pop(event.address, None)
            if open_realloc[event.thread] is None:
                counts["unknown"] += 1
        elif event.name == "realloc-fail":
            counts["frees"] -= 1  # the realloc-out before it took nothing back
            if open_realloc.get(event.thread):
                live[event.address] = open_realloc[event.thread]
    head = re.search(r"^trace .* lost=(\d+)", "\n".join(lines[:1]))
    counts["lost"] = int(head.group(1)) if head else 0
    counts["live"] = len(live)
    return counts
