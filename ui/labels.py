"""Components whose words follow the chosen language."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

import gradio as gr

from ui.texts import LANGUAGES, NAMES, Texts, texts

C = TypeVar("C")
Words = Callable[[Texts], Any]


class Labels:
    """Remembers which property of which component shows which text."""

    def __init__(self) -> None:
        self.components: list[Any] = []
        self._words: list[dict[str, Words]] = []

    def add(self, component: C, **words: str | Words) -> C:
        """`words`: property → a key of the texts, or a function of them. Returns the component."""
        self.components.append(component)
        self._words.append({name: _function(word) for name, word in words.items()})
        return component

    def updates(self, language: str, ready: Collection[Any] = ()) -> list[Any]:
        """One update per component, in the order of `components`; `ready` can be used from now."""
        words = texts(language)
        return [
            gr.update(
                **{name: word(words) for name, word in spec.items()},
                **({"interactive": True} if component in ready else {}),
            )
            for component, spec in zip(self.components, self._words, strict=True)
        ]


def switch(value: str | None = "en") -> gr.Radio:
    """The choice of the interface's language; `value` until the page knows whose it is.

    It can be used once that is known: what is chosen before would be overwritten.
    """
    return gr.Radio(
        choices=[(NAMES[language], language) for language in LANGUAGES],
        value=value,
        interactive=False,
        show_label=False,
        container=False,
        elem_id="language",
        elem_classes="segments",
    )


def settled(language: str) -> Any:
    """An update of the switch: it shows this language, and another can be chosen."""
    return gr.update(value=language, interactive=True)


def remembered() -> gr.BrowserState:
    """The language chosen on this browser; empty until somebody chooses.

    It is no secret: the fixed key only keeps Gradio from making a new one at each start.
    """
    return gr.BrowserState("", storage_key="zhike-language", secret="language")


def _function(word: str | Words) -> Words:
    if callable(word):
        return word
    key = word
    return lambda words: words(key)
