"""Who has a conversation: the assistant, a person, or nobody any more. A pure table."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from chatbot.errors import WrongState

State = Literal["bot", "waiting", "person", "closed"]
Outcome = Literal["returned", "solved", "unsolved", "spam"]
OPEN: frozenset[State] = frozenset({"waiting", "person"})  # exactly then one hand-over is open


class Event(StrEnum):
    """What can happen to a conversation."""

    WRITE = "write"  # the customer writes
    CALL = "call"  # a person is called, by the customer or by the assistant
    TAKE = "take"  # an agent takes it, also from a colleague
    RETURN = "return"  # an agent gives it back to the assistant
    CLOSE = "close"  # an agent ends it


TABLE: dict[tuple[State, Event], State] = {
    ("bot", Event.WRITE): "bot",
    ("bot", Event.CALL): "waiting",
    ("waiting", Event.WRITE): "waiting",
    ("waiting", Event.CALL): "waiting",  # one hand-over at a time
    ("waiting", Event.TAKE): "person",
    ("waiting", Event.RETURN): "bot",
    ("waiting", Event.CLOSE): "closed",
    ("person", Event.WRITE): "person",
    ("person", Event.CALL): "person",
    ("person", Event.TAKE): "person",
    ("person", Event.RETURN): "bot",
    ("person", Event.CLOSE): "closed",
    ("closed", Event.WRITE): "bot",  # whoever writes again is answered again
    ("closed", Event.CALL): "waiting",
}


def after(state: State, event: Event) -> State:
    """The state that follows. Raises WrongState where the event cannot happen."""
    try:
        return TABLE[state, event]
    except KeyError:
        raise WrongState(
            f"{event.value!r} is not possible while the conversation is in the state {state!r}; "
            "somebody else may have been faster. Read it again."
        ) from None
