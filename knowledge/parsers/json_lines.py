"""JSONL files: a help-desk's articles, or approved answers, one object per line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knowledge.errors import UnreadableFile
from knowledge.parsers.outline import Outline
from knowledge.parsers.plain import decode
from knowledge.types import FaqPair, Parsed

QUESTION, ANSWER = ("question", "问题", "問題"), ("answer", "答案", "回答")
PHRASINGS = ("phrasings", "similar", "相似问法", "问法")
TITLE, TEXT = ("title", "标题", "標題", "name"), ("text", "body", "content", "正文", "内容")
MOST_NAMED = 3  # bad lines that the warning names


def parse(path: Path) -> Parsed:
    """A line with a question and an answer is an approved answer, one with a text an article.

    Raises UnreadableFile when no line is either.
    """
    outline, faqs, bad = Outline(), [], []
    for number, line in enumerate(decode(path.read_bytes(), path.name).splitlines(), 1):
        if not line.strip():
            continue
        row = _row(line)
        if row and _value(row, QUESTION) and _value(row, ANSWER):
            faqs.append(_pair(row))
        elif row and _value(row, TEXT):
            _article(row, outline)
        else:
            bad.append(number)
    parsed = outline.parsed(path.stem)
    if not faqs and not parsed.blocks:
        raise UnreadableFile(
            f"{path.name}: no line has a question and an answer, or a title and a text."
        )
    named = ", ".join(map(str, bad[:MOST_NAMED])) + (" …" if len(bad) > MOST_NAMED else "")
    warnings = (f"{len(bad)} lines were left out: {named}.",) if bad else ()
    return Parsed(path.stem, parsed.blocks, tuple(faqs), warnings)


def _row(line: str) -> Mapping[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _value(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = (row[name] for name in names if isinstance(row.get(name), str))
    return next((value.strip() for value in found if value.strip()), "")


def _pair(row: Mapping[str, Any]) -> FaqPair:
    listed: list[Any] = next(
        (row[name] for name in PHRASINGS if isinstance(row.get(name), list)), []
    )
    phrasings = tuple(text.strip() for text in listed if isinstance(text, str) and text.strip())
    return FaqPair(_value(row, QUESTION), _value(row, ANSWER), phrasings)


def _article(row: Mapping[str, Any], outline: Outline) -> None:
    outline.heading(2, _value(row, TITLE) or "…")
    for paragraph in _value(row, TEXT).split("\n\n"):
        outline.add(paragraph)
