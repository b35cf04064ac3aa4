/* Stamps (stamp.h). */
#include "stamp.h"

struct stamp_clock stamp_clock;

void stamp_count(void) {
    const uint64_t margin = 1 << 20; /* cycles: above all stamps that others take meanwhile */
    if (stamp_clock.counted) return;
    atomic_store_explicit(&stamp_clock.counter, machine_stamp() + margin, memory_order_seq_cst);
    atomic_store_explicit(&stamp_clock.counted, true, memory_order_seq_cst);
}

void stamp_start(void) {
    if (!machine_stamp_invariant()) stamp_count();
}
