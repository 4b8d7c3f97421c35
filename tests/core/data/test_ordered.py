from __future__ import annotations

import itertools
import threading

import pytest

from detforge.data.ordered import map_ordered, thread_count


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("ahead", [1, 3, 50])
def test_results_keep_the_order_of_the_items(workers, ahead):
    results = map_ordered(lambda item: item * item, range(40), workers=workers, ahead=ahead)
    assert list(results) == [item * item for item in range(40)]


def test_order_holds_when_the_first_item_takes_longest():
    second_is_done = threading.Event()

    def work(item):
        if item == 0:
            assert second_is_done.wait(10)
        else:
            second_is_done.set()
        return item

    assert list(map_ordered(work, range(2), workers=2, ahead=2)) == [0, 1]


def test_error_comes_at_its_place():
    results = map_ordered(lambda item: 6 // item, [3, 2, 0, 1], workers=2, ahead=4)
    assert [next(results), next(results)] == [2, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_endless_items_are_taken_only_as_needed():
    taken = []

    def items():
        for item in itertools.count():
            taken.append(item)
            yield item

    results = map_ordered(str, items(), workers=2, ahead=3)
    assert next(results) == "0"
    assert len(taken) == 3
    assert next(results) == "1"
    assert len(taken) == 4
    results.close()


def test_no_items_give_no_results():
    assert list(map_ordered(str, [], workers=2, ahead=3)) == []


def test_zero_threads_asks_for_one_per_core():
    assert thread_count(0) >= 1
    assert thread_count(5) == 5
