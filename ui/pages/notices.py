"""How the parts of a page say things: headings, and what went well or did not."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

from ui import render
from ui.texts import Texts

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def tick() -> int:
    """Another number at each call: for a state whose change makes a list follow.

    The list is then read with what is chosen by that time. A tab that filled its list when the
    page was loaded would bring back, on a busy machine, what was chosen seconds before.
    """
    return time.monotonic_ns()


def in_turn(name: str) -> dict[str, Any]:
    """For events that show and change the same things: one ends before the next begins.

    Else a look at a list that began before a choice could end after it, and undo it.
    """
    return {**QUIET, "concurrency_id": name, "concurrency_limit": 1}


def relisted(choices: list[tuple[str, str]], chosen: str | list[str] | None) -> Any:
    """An update of a list: what is chosen stays so, as far as it can still be chosen."""
    values = {value for _, value in choices}
    kept: str | list[str] | None
    if isinstance(chosen, list):
        kept = [value for value in chosen if value in values]
    else:
        kept = chosen if chosen in values else None
    # Without a value nothing is undone that is chosen before this arrives
    return gr.update(choices=choices) if kept == chosen else gr.update(choices=choices, value=kept)


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
