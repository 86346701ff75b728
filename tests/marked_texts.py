"""Made-up bookings with marked spans: how many people stands before the hour, in two languages."""

from __future__ import annotations

import json
import random
from pathlib import Path

from chatbot.spans import Span
from finetune.spans import Marked


def bookings(language: str = "en", count: int = 300, seed: int = 3) -> list[Marked]:
    """`count` texts that name 1 to 9 people and an hour from 10 to 23."""
    chance = random.Random(seed)
    return [booking(language, chance) for _ in range(count)]


def booking(language: str, chance: random.Random) -> Marked:
    people, hour = str(chance.randint(1, 9)), f"{chance.randint(10, 23)}"
    who = "".join(
        chance.choice("abcdefgh甲乙丙丁戊"[:8] if language == "en" else "甲乙丙丁戊己")
        for _ in range(3)
    )
    parts = {
        "en": (f"{who}, a table for ", people, " at ", hour, " please"),
        "zh": (
            f"{who}想订{chance.choice(('今天', '明天'))}",
            f"{people}个人",
            "",
            f"{hour}点",
            "的位子",
        ),
    }[language]
    start = len(parts[0])
    then = start + len(parts[1] + parts[2])
    return Marked(
        "".join(parts),
        (
            Span(start, start + len(parts[1]), "party"),
            Span(then, then + len(parts[3]), "booked_for"),
        ),
    )


def write(path: Path, texts: list[Marked]) -> Path:
    """JSON lines, as `zhike train --task entities --data` reads them."""
    rows = (
        {
            "text": marked.text,
            "spans": [{"start": s.start, "end": s.end, "label": s.kind} for s in marked.spans],
        }
        for marked in texts
    )
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return path
