"""Running turns: their events in order, their failures, and the stop button."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from chatbot.types import Delta, Event, Stage
from ui.pages.turns import Stopped, Turns


def test_events_come_in_order() -> None:
    events: list[Event] = [Stage("searching"), Delta("a"), Delta("b")]
    assert list(Turns().run("v", iter(events))) == events


def test_a_failure_reaches_the_page() -> None:
    def failing() -> Iterator[Event]:
        yield Stage("searching")
        raise ValueError("broken")

    run = Turns().run("v", failing())
    assert next(run) == Stage("searching")
    with pytest.raises(ValueError, match="broken"):
        next(run)


def test_stop_ends_a_turn_that_says_nothing() -> None:
    turns, wait, closed = Turns(), threading.Event(), threading.Event()

    def slow() -> Iterator[Event]:
        try:
            yield Stage("answering")
            wait.wait(30)  # a model that has not written its first word
            yield Delta("too late")
        finally:
            closed.set()

    run = turns.run("v", slow())
    assert next(run) == Stage("answering")
    turns.stop("somebody else")
    turns.stop("v")
    with pytest.raises(Stopped):
        next(run)
    wait.set()
    assert closed.wait(10), "the assistant's generator was not closed"


def test_a_closed_page_stops_its_turn() -> None:
    turns, closed, go = Turns(), threading.Event(), threading.Event()

    def endless() -> Iterator[Event]:
        try:
            while True:
                yield Delta("x")
                go.wait(0.01)
        finally:
            closed.set()

    run = turns.run("v", endless())
    next(run)
    run.close()  # type: ignore[attr-defined]
    assert closed.wait(10)
