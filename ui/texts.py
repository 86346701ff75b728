"""Interface texts: one TOML file per language, the same keys in each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "texts"
LANGUAGES = ("zh-Hans", "zh-Hant", "en")
NAMES = {"zh-Hans": "简", "zh-Hant": "繁", "en": "EN"}  # as shown on the switch


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language; keys are "section.name"."""

    language: str
    table: dict[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text, its {placeholders} filled. A missing key is a KeyError: a bug, not a state."""
        return self.table[key].format(**values) if values else self.table[key]

    def named(self, section: str, name: str) -> str:
        """The text of a value that the program made, e.g. a stage; an unknown one as it is."""
        return self.table.get(f"{section}.{name}", name)

    def lines(self, key: str) -> list[str]:
        """A text of several lines as a list."""
        return self.table[key].strip().splitlines()


@cache
def texts(language: str) -> Texts:
    """The texts of a language of LANGUAGES; of English for any other."""
    language = language if language in LANGUAGES else "en"
    raw = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return Texts(language, _flat(raw))


def _flat(raw: dict[str, Any]) -> dict[str, str]:
    return {f"{section}.{name}": text for section, t in raw.items() for name, text in t.items()}


def preferred(accept_language: str) -> str:
    """The first language of an Accept-Language header that there are texts for; else English."""
    for part in accept_language.split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith("zh"):
            hant = any(mark in tag for mark in ("hant", "tw", "hk", "mo"))
            return "zh-Hant" if hant else "zh-Hans"
        if tag.startswith("en"):
            return "en"
    return "en"
