"""Rules by name: packaged patterns of attacks, threats and self-harm; a team's own words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from chatbot.plain import readings, word_pattern

BANNED = "banned word"  # the rule's name goes on with the word
LOOKED_AT = 4_000  # characters


@dataclass(frozen=True, slots=True)
class Words:
    """A deployment's own lists."""

    banned: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()  # what a rule finds inside one of these does not count


def rule(text: str, words: Words | None = None) -> str | None:
    """The name of the first rule that `text` breaks, None when it breaks none.

    Self-harm and threats come before attacks: a person must see them.
    """
    words = words or Words()
    forms = list(readings(text[:LOOKED_AT]))
    for name, pattern in _packaged():
        if any(_found(pattern, form, words.allowed) for form in forms):
            return name
    for word in words.banned:
        banned = word_pattern(word)
        if banned and any(_found(banned, form, words.allowed) for form in forms):
            return f"{BANNED}: {word}"
    return None


def _found(pattern: re.Pattern[str], form: str, allowed: Sequence[str]) -> bool:
    """A match that lies in no allowed phrase."""
    matches = [match.span() for match in pattern.finditer(form)]
    if not matches or not allowed:
        return bool(matches)
    patterns = [p for p in map(word_pattern, allowed) if p]
    spared = [match.span() for p in patterns for match in p.finditer(form)]
    return not all(any(a <= start and end <= b for a, b in spared) for start, end in matches)


@cache
def _packaged() -> tuple[tuple[str, re.Pattern[str]], ...]:
    table = tomllib.loads((files("chatbot") / "data" / "rules.toml").read_text("utf-8"))
    order = ("self_harm", "threat", *sorted(table["blocked"].keys() - {"self_harm", "threat"}))
    return tuple((name, _compiled(table["blocked"][name]["patterns"], table["names"]))
                 for name in order)  # fmt: skip


def _compiled(patterns: Sequence[str], names: dict[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p.format(**names)})" for p in patterns))
