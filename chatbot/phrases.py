"""The assistant's own words, per language, from data/phrases.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

FALLBACK = "en"


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads((files("chatbot") / "data" / "phrases.toml").read_text("utf-8"))


def phrase(name: str, language: str, **values: object) -> str:
    """The phrase in that language, else of the same family (zh), else in English."""
    table = _table()
    family = "zh-Hans" if language.startswith("zh") else FALLBACK
    return table.get(language, table[family])[name].format(**values)


def has(name: str) -> bool:
    """Whether there is a phrase of that name."""
    return name in _table()[FALLBACK]
