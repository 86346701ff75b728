"""The lists of data/phrases.toml as patterns: thanks, abuse, promises, secrets, …"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files


@cache
def pattern(name: str) -> re.Pattern[str]:
    """The list `name` as one pattern."""
    table = tomllib.loads((files("finetune") / "data" / "phrases.toml").read_text("utf-8"))
    return re.compile("|".join(f"(?:{p})" for p in table[name]["patterns"]), re.IGNORECASE)


def holds(name: str, text: str) -> bool:
    """Whether `text` has a phrase of that list."""
    return pattern(name).search(text) is not None
