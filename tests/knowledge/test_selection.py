"""What is left out of a ranking, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.errors import KnowledgeError
from knowledge.selection import Limits, select
from knowledge.settings import KnowledgeSettings
from knowledge.types import Passage

TEXTS = {
    "E1 means that the kettle boiled dry.": "kettle",
    "E2 means that the kettle boiled dry.": "kettle",
    "Means, E1: that the kettle boiled dry!": "faq",
    "Tea is shipped on the day of the order.": "shipping",
    "普通快递满 99 元包邮。": "shipping",
}
RANKED = [
    Passage(i, document, "default", f"{document}.md", "", "", text, "en", score=0.9 - i / 10)
    for i, (text, document) in enumerate(TEXTS.items())
]


def _count(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("limits", "verdicts"),
    [
        (Limits(9), [None, None, None, None, None]),
        (Limits(2), [None, None, "limit", "limit", "limit"]),
        (Limits(9, cut=0.7), [None, None, None, "score", "score"]),
        (Limits(9, per_document=1), [None, "document", None, None, "document"]),
        (Limits(9, duplicates=0.9), [None, None, "duplicate", None, None]),
        (Limits(9, tokens=17), [None, None, "budget", "budget", None]),
        (Limits(9, tokens=1), [None, "budget", "budget", "budget", "budget"]),
        (Limits(1, duplicates=0.9), [None, "limit", "limit", "limit", "limit"]),
        (Limits(2, per_document=1), [None, "document", None, "limit", "limit"]),
    ],
)
def test_verdicts(limits: Limits, verdicts: list[str | None]) -> None:
    assert select(RANKED, limits, _count) == verdicts


def test_a_text_twice_is_shown_once_also_without_words() -> None:
    twice = [RANKED[4], replace(RANKED[4], id=9, document_id="other")]
    assert select(twice, Limits(9, duplicates=1.0), _count) == [None, "duplicate"]
    assert select([], Limits(9), _count) == []


@pytest.mark.parametrize("name", ["cut", "duplicates"])
def test_a_share_above_one_is_refused(name: str) -> None:
    with pytest.raises(KnowledgeError, match=rf"knowledge\.{name}.*0 to 1"):
        KnowledgeSettings(**{name: 1.5})  # type: ignore[arg-type]
