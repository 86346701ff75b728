"""Lists page by page: `limit`, and a cursor that says where the next page begins."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import HTTPException, Query

T = TypeVar("T")
MOST = 200
Limit = Annotated[int, Query(ge=1, le=MOST, description="Items on a page")]
After = Annotated[
    str | None, Query(max_length=500, description="`next` of the page before; none is the first")
]


def page(
    items: Sequence[T],
    limit: int,
    shown: Callable[[T], dict[str, Any]],
    place: Callable[[T], Any],
) -> dict[str, Any]:
    """The form of every list. items: one more than `limit` where there is a next page.

    place: what a cursor remembers of an item; a list goes on behind it.
    """
    kept = items[:limit]
    more = len(items) > limit
    return {"items": [shown(i) for i in kept], "next": cursor(place(kept[-1])) if more else None}


def cursor(place: Any) -> str:
    """A place as text that programs hand back unread."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place(after: str | None, kind: type[T]) -> T | None:
    """What the cursor remembers. Raises HTTPException for one that no page gave."""
    if after is None:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    big = isinstance(found, int) and not -(2**63) <= found < 2**63
    if type(found) is not kind or big:
        raise HTTPException(422, "after: this is no `next` of a page before.")
    return found


def behind(items: Sequence[T], key: Callable[[T], str], after: str | None, limit: int) -> list[T]:
    """Of items in the order of their key, those behind the cursor, one more than `limit`."""
    last = place(after, str)
    return [i for i in items if last is None or key(i) > last][: limit + 1]
