"""The states of a conversation: every pair of state and event, and what holds for all of them."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from chatbot.errors import WrongState
from chatbot.states import OPEN, TABLE, Event, State, after

STATES: tuple[State, ...] = get_args(State)


@pytest.mark.parametrize(("state", "event"), list(product(STATES, Event)))
def test_every_event_has_a_state_or_a_sentence(state: State, event: Event) -> None:
    if (state, event) in TABLE:
        assert after(state, event) in STATES
    else:
        assert state in ("bot", "closed") and event in (Event.TAKE, Event.RETURN, Event.CLOSE)
        with pytest.raises(WrongState, match=f"'{event.value}' is not possible .* state '{state}'"):
            after(state, event)


def test_writing_never_calls_and_never_silences() -> None:
    for state in STATES:
        assert (after(state, Event.WRITE) in OPEN) == (state in OPEN)


def test_only_an_agent_ends_a_call() -> None:
    for (state, event), following in TABLE.items():
        if state in OPEN and following not in OPEN:
            assert event in (Event.RETURN, Event.CLOSE)


def test_a_person_is_there_only_after_taking() -> None:
    for (state, event), following in TABLE.items():
        if following == "person" and state != "person":
            assert (state, event) == ("waiting", Event.TAKE)
