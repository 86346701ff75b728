"""Where a document is in its life, in words."""

from __future__ import annotations

from datetime import date
from typing import Literal, get_args

from knowledge.types import Document
from ui.texts import Texts

Phase = Literal["found", "scheduled", "expired", "draft", "disabled"]
PHASES: tuple[Phase, ...] = get_args(Phase)


def phase(document: Document) -> Phase:
    """Whether customers get it today, and if not, why."""
    if document.state != "published":
        return document.state
    if document.found:
        return "found"
    return "scheduled" if document.valid_from > date.today().isoformat() else "expired"


def state(document: Document, words: Texts) -> str:
    """The state with its dates: "from 1 Dec 2026", "expired (3 Nov 2026)"."""
    first, last = (day(d, words) for d in (document.valid_from, document.valid_until))
    now = phase(document)
    if now in ("scheduled", "expired"):
        said = words(f"life.{now}", first=first, last=last)
    else:
        said = words(f"life.{now}")
        if last and now == "found":
            said = words("life.until", last=last)
    if document.draft is not None:
        said = words("life.and_draft", state=said)
    return said


def day(iso: str, words: Texts) -> str:
    """A date as people write it; "" stays empty."""
    if not iso:
        return ""
    found = date.fromisoformat(iso)
    month = words("life.months").split()[found.month - 1]
    return words("life.day", day=found.day, month=month, year=found.year)


def moment(iso: str) -> str:
    """A time of the database (UTC) without its seconds."""
    return iso[:16].replace("T", " ")
