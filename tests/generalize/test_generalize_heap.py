from __future__ import annotations

import heapq

from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.generalize._heap import empty_heap, pop, push


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.tuples(st.sampled_from([0.5, 1.0, 2.5, 7.0]), st.integers(0, 99))))
def test_entries_leave_in_the_order_of_heapq(steps):
    heap, plain = empty_heap(), []
    for entry in steps:
        if entry is not None:
            heap = push(heap, *entry)
            heapq.heappush(plain, entry)
        elif plain:
            assert pop(heap) == heapq.heappop(plain)
        assert heap[2][0] == len(plain)
    while plain:
        assert pop(heap) == heapq.heappop(plain)


def test_a_heap_grows():
    heap = empty_heap()
    for item in range(3000, 0, -1):
        heap = push(heap, item / 2, item)
    assert [pop(heap)[1] for _ in range(3000)] == list(range(1, 3001))
    assert heap[2][0] == 0
