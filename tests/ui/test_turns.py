"""Running turns: their events in order, their failures, the stop button, joined messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from chatbot.types import Action, Delta, Event, Intent, Reply, Stage
from ui.pages.turns import AT_ONCE, Joined, Start, Stopped, Turns

LONGEST = 100
REPLY = Reply("r", "s", "Yes.", Action.QUOTE, "en", Intent("other", 0.0))


def given(events: list[Event]) -> Start:
    return lambda before, cancelled: iter(events)


def test_events_come_in_order() -> None:
    events: list[Event] = [Stage("searching"), Delta("a"), Delta("b")]
    turns = Turns()
    run = turns.begin("v", "s", "hello", LONGEST)
    assert list(turns.events(run, given(events))) == [
        (event, event is events[0]) for event in events
    ]
    assert not turns.busy("v")


def test_a_failure_reaches_the_page() -> None:
    def failing(before: tuple[str, ...], cancelled: threading.Event) -> Iterator[Event]:
        yield Stage("searching")
        raise ValueError("broken")

    turns = Turns()
    run = turns.events(turns.begin("v", "s", "hello", LONGEST), failing)
    assert next(run) == (Stage("searching"), True)
    with pytest.raises(ValueError, match="broken"):
        next(run)
    assert not turns.busy("v")


def test_more_turns_than_threads_are_seen() -> None:
    turns = Turns()
    runs = [turns.begin("v", str(n), "hello", LONGEST) for n in range(AT_ONCE)]
    assert turns.full()
    assert list(turns.events(runs[0], given([REPLY]))) == [(REPLY, False)]
    assert not turns.full()


class Slow:
    """An assistant that stores the message, then waits for a model's first word."""

    def __init__(self) -> None:
        self.go, self.closed = threading.Event(), threading.Event()
        self.before: tuple[str, ...] | None = None

    def __call__(self, before: tuple[str, ...], cancelled: threading.Event) -> Iterator[Event]:
        self.before = before
        try:
            yield Stage("answering")
            while not self.go.wait(0.01):
                if cancelled.is_set():
                    return
            yield REPLY
        finally:
            self.closed.set()


def test_stop_ends_a_turn_that_says_nothing() -> None:
    turns, slow = Turns(), Slow()
    run = turns.events(turns.begin("v", "s", "hello", LONGEST), slow)
    assert next(run) == (Stage("answering"), False)
    assert turns.busy("v")
    turns.stop("somebody else")
    assert turns.busy("v")
    turns.stop("v")
    with pytest.raises(Stopped):
        next(run)
    assert slow.closed.wait(10), "the assistant's generator was not closed"


def test_a_closed_page_stops_its_turn() -> None:
    turns, slow = Turns(), Slow()
    run = turns.events(turns.begin("v", "s", "hello", LONGEST), slow)
    next(run)
    run.close()  # type: ignore[attr-defined]
    assert slow.closed.wait(10)


def test_messages_sent_meanwhile_join_one_turn() -> None:
    turns, first, second, third = Turns(), Slow(), Slow(), Slow()
    one = turns.events(turns.begin("v", "s", "the K2", LONGEST), first)
    assert next(one) == (Stage("answering"), False)
    two = turns.events(turns.begin("v", "s", "how long", LONGEST), second)
    with pytest.raises(Joined):
        next(one)
    assert next(two) == (Stage("answering"), False)
    assert second.before == ("the K2",)
    three = turns.events(turns.begin("v", "s", "is its warranty?", LONGEST), third)
    with pytest.raises(Joined):
        next(two)
    assert next(three) == (Stage("answering"), False)
    assert third.before == ("the K2", "how long")
    third.go.set()
    assert list(three) == [(REPLY, False)]
    assert not turns.busy("v")


def test_a_message_that_is_joined_before_it_was_stored_is_stored() -> None:
    turns, first, second = Turns(), Slow(), Slow()
    one = turns.events(turns.begin("v", "s", "the K2", LONGEST), first)
    two = turns.events(turns.begin("v", "s", "how long?", LONGEST), second)
    with pytest.raises(Joined):
        next(one)
    assert next(two) == (Stage("answering"), False)
    assert first.before == () and second.before == ("the K2",)
    two.close()  # type: ignore[attr-defined]


def test_other_conversations_and_answered_messages_are_not_joined() -> None:
    turns, slow = Turns(), Slow()
    one = turns.events(turns.begin("v", "s", "hello", LONGEST), slow)
    next(one)
    for visitor, session in (("v", "other"), ("w", "s")):
        assert turns.begin(visitor, session, "hi", LONGEST).before() == ()
    assert turns.begin("v", "s", "x" * LONGEST, LONGEST).before() == (), "together too long"
    slow.go.set()
    assert list(one) == [(REPLY, False)]


def test_a_reply_that_was_ready_is_kept_and_the_message_answered_alone() -> None:
    turns, second = Turns(), Slow()
    stored, go = threading.Event(), threading.Event()

    def ready(before: tuple[str, ...], cancelled: threading.Event) -> Iterator[Event]:
        yield Stage("searching")
        stored.set()  # the reply is stored: stopping is too late
        go.wait(10)
        yield REPLY

    one = turns.events(turns.begin("v", "s", "hello", LONGEST), ready)
    assert next(one) == (Stage("searching"), False)
    assert stored.wait(10)
    two = turns.events(turns.begin("v", "s", "thanks", LONGEST), second)
    go.set()
    with pytest.raises(Joined):
        list(one)
    assert next(two) == (Stage("answering"), False)
    assert second.before == ()
    two.close()  # type: ignore[attr-defined]
