"""How many turns are worked on at once, and what everybody else is told."""

from __future__ import annotations

import threading
import time

import pytest

from chatbot.crowd import Crowd
from chatbot.errors import Crowded


def test_as_many_as_there_are_places_and_the_rest_in_their_order() -> None:
    crowd = Crowd(at_once=2, patience=30)
    inside: list[int] = []
    order: list[int] = []
    most = 0
    leave = threading.Event()
    lock = threading.Lock()

    def turn(number: int) -> None:
        nonlocal most
        with crowd.place():
            with lock:
                inside.append(number)
                order.append(number)
                most = max(most, len(inside))
            leave.wait(10)
            with lock:
                inside.remove(number)

    threads = []
    for number in range(6):
        threads.append(threading.Thread(target=turn, args=[number]))
        threads[-1].start()
        end = time.monotonic() + 10
        while len(inside) + len(crowd._line) <= number and time.monotonic() < end:
            time.sleep(0.001)
    leave.set()
    for thread in threads:
        thread.join(10)
    assert order[:2] == [0, 1] and sorted(order) == list(range(6)) and most == 2
    assert crowd._running == 0 and not crowd._line and crowd.wait() == 0


def test_who_would_wait_too_long_is_told_at_once() -> None:
    crowd = Crowd(at_once=1, patience=2)
    crowd._took.extend([3.0] * 32)
    with crowd.place():
        assert crowd.wait() == 3
        with pytest.raises(Crowded, match="try again in 3 s") as raised, crowd.place():
            pass
        assert raised.value.seconds == 3 and not crowd._line
    assert crowd.wait() == 0


def test_the_line_has_an_end() -> None:
    crowd = Crowd(at_once=1, patience=30, waiting=0)
    with crowd.place(), pytest.raises(Crowded, match="try again in 1 s"), crowd.place():
        pass


def test_a_place_that_is_not_left_in_time() -> None:
    crowd = Crowd(at_once=1, patience=0.05)
    crowd._took.extend([0.001] * 32)
    with crowd.place(), pytest.raises(Crowded), crowd.place():
        pass
    assert not crowd._line and crowd._running == 0


def test_a_place_is_left_once_and_also_by_an_error() -> None:
    crowd = Crowd(at_once=1)
    with crowd.place() as place:
        place.leave()
        place.leave()
        with crowd.place():
            assert crowd._running == 1
    with pytest.raises(RuntimeError), crowd.place():
        raise RuntimeError
    assert crowd._running == 0
