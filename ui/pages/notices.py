"""How the parts of a page say things: headings, and what went well or did not."""

from __future__ import annotations

from typing import Any

from ui import render
from ui.texts import Texts

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def heading(words: Texts, part: str, **values: object) -> str:
    """Title and lead of a card. part: "section.name" of the texts `…_title` and `…_lead`."""
    title, lead = words(f"{part}_title"), words(f"{part}_lead", **values)
    return f'<div class="heading"><h2>{render.plain(title)}</h2><p>{render.plain(lead)}</p></div>'


def problem(text: str) -> str:
    return f'<p class="problem">{render.plain(text)}</p>'


def done(text: str) -> str:
    return f'<p class="done">{render.plain(text)}</p>'


def hint(text: str) -> str:
    return f'<p class="hint">{render.plain(text)}</p>'
