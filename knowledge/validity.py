"""The days on which a document is valid."""

from __future__ import annotations

import re
from datetime import date

from knowledge.errors import WrongDate

ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def dated(valid_from: str, valid_until: str) -> tuple[str, str]:
    """Both days, without blanks around them; "" is no bound. Raises WrongDate."""
    first, last = _day(valid_from), _day(valid_until)
    if first and last and first > last:
        raise WrongDate(f"A document cannot be valid from {first} until {last}: that is before it.")
    return first, last


def _day(text: str) -> str:
    text = text.strip()
    if text:
        try:
            if not ISO.fullmatch(text):
                raise ValueError
            date.fromisoformat(text)
        except ValueError:
            raise WrongDate(f"{text!r} is not a date. Write it as 2026-05-31.") from None
    return text
