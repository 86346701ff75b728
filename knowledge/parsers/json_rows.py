"""JSON and JSONL files: a help desk's articles, or approved answers, one object each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from knowledge.errors import UnreadableFile
from knowledge.parsers import articles
from knowledge.parsers.encoding import decode
from knowledge.parsers.outline import Outline
from knowledge.types import FaqPair, Parsed

QUESTION, ANSWER = ("question", "问题", "問題"), ("answer", "答案", "回答")
PHRASINGS = ("phrasings", "similar", "相似问法", "问法")
MOST_NAMED = 3  # bad lines that the warning names


def parse_lines(path: Path) -> Parsed:
    """A line with a question and an answer is an approved answer, one with a text an article.

    Raises UnreadableFile when no line is either.
    """
    decoded = decode(path.read_bytes(), path.name)
    lines = decoded.text.splitlines()
    rows = {n: _loaded(line) for n, line in enumerate(lines, 1) if line.strip()}
    return _parsed(path, rows, decoded.warnings, "line")


def parse(path: Path) -> Parsed:
    """A list of the same, or an object with such a list, as help-desk programs export it.

    Raises UnreadableFile when it is no JSON, or no row is either.
    """
    decoded = decode(path.read_bytes(), path.name)
    try:
        found = json.loads(decoded.text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"{path.name}: it is not valid JSON ({error}).") from error
    return _parsed(path, dict(enumerate(articles.rows_of(found), 1)), decoded.warnings, "entry")


def _parsed(path: Path, rows: Mapping[int, Any], warnings: Sequence[str], what: str) -> Parsed:
    outline, faqs, bad, drafts = Outline(), [], [], 0
    outline.warnings += warnings
    for number, row in rows.items():
        if not isinstance(row, dict):
            bad.append(number)
        elif articles.value(row, QUESTION) and articles.value(row, ANSWER):
            faqs.append(_pair(row))
        elif articles.is_article(row):
            articles.read([row], outline)
            drafts += not articles.is_public(row)
        else:
            bad.append(number)
    if bad:
        named = ", ".join(map(str, bad[:MOST_NAMED])) + (" …" if len(bad) > MOST_NAMED else "")
        many = "lines" if what == "line" else "entries"
        outline.warnings.append(f"{len(bad)} {many} were left out: {named}.")
    parsed = replace(outline.parsed(path.stem), title=path.stem, faqs=tuple(faqs))
    if not faqs and not parsed.blocks:
        why = (
            "all of its articles are drafts or archived"
            if drafts
            else (f"no {what} has a question and an answer, or a title and a text")
        )
        raise UnreadableFile(f"{path.name}: {why}. Export published articles, or save as text.")
    return parsed


def _loaded(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _pair(row: Mapping[str, Any]) -> FaqPair:
    listed: list[Any] = next(
        (row[name] for name in PHRASINGS if isinstance(row.get(name), list)), []
    )
    phrasings = tuple(text.strip() for text in listed if isinstance(text, str) and text.strip())
    return FaqPair(articles.value(row, QUESTION), articles.value(row, ANSWER), phrasings)
