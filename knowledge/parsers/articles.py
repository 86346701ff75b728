"""A help desk's articles, as Zendesk, Intercom, Chatwoot, Freshdesk and others export them.

Such an export is a list of rows, each with a title, a body in HTML or Markdown, and a state.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from knowledge.parsers.markdown import read_markdown
from knowledge.parsers.outline import Outline, Row
from knowledge.parsers.web_page import read_fragment

TITLE = ("title", "标题", "標題", "name", "subject")
BODY = ("body", "content", "text", "html", "description", "正文", "内容", "內容")
LISTS = ("articles", "data", "payload", "items", "results", "solutions", "posts")
HIDDEN_STATES = ("draft", "unpublished", "archived", "private", "hidden", "deleted")
HTML = re.compile(r"</[a-z][a-z0-9]*\s*>|<(?:p|br|hr|img|li)\b[^>]*>", re.IGNORECASE)
MARKDOWN = re.compile(r"^(?:#{1,6} |\s*[-*] |\s*\d+\. |\||```)|\*\*\S|\]\(https?://", re.MULTILINE)
ABOUT = re.compile(
    r"|(?:article_?)?id|locale|lang(?:uage)?|draft|stat(?:e|us)|visibility|(?:html_)?url|link|slug"
    r"|(?:author|section|category|folder|collection|created|updated|published|edited|views?|votes?"
    r"|tags?|labels?|label_names|position|promoted|keywords?)(?:[_ ]\w+)?"
    r"|语言|状态|分类|标签|作者|链接"
)
LONG = 120  # characters of a cell that is the body of an article rather than a value
LEVEL = 2  # of an article's title; its own headings go below


def rows_of(found: Any, depth: int = 0) -> list[Mapping[str, Any]]:
    """The rows of an export: a list, or an object that holds one, or a single article."""
    if isinstance(found, list):
        return [row for row in found if isinstance(row, dict)]
    if not isinstance(found, dict) or depth > 2:
        return []
    for name in LISTS:
        if isinstance(found.get(name), list | dict) and (rows := rows_of(found[name], depth + 1)):
            return rows
    return [found] if is_article(found) or depth == 0 else []


def of_table(rows: Sequence[Row]) -> list[Mapping[str, Any]] | None:
    """The articles of a table whose columns are named as those of an export; None for others."""
    if len(rows) < 2 or isinstance(rows[0], str):
        return None
    header = [name.strip().lower() for name in rows[0]]
    title = next((n for n in header if n in TITLE and n != "name"), None)
    body = next((n for n in BODY if n in header), None)
    if title is None or body is None or not all(_known(n) for n in header if n != body):
        return None
    cells = [row for row in rows[1:] if not isinstance(row, str)]
    found: list[Mapping[str, Any]] = [
        {n: c for n, c in zip(header, row, strict=False) if c} for row in cells
    ]
    texts = [str(row.get(body, "")) for row in found]
    return found if any(len(t) > LONG or HTML.search(t) for t in texts) else None


def _known(column: str) -> bool:
    """Whether an export's column says something about the article: others are not to be lost."""
    return column in (*TITLE, *BODY) or bool(ABOUT.fullmatch(column))


def is_article(row: Mapping[str, Any]) -> bool:
    return bool(value(row, BODY))


def read(rows: Iterable[Mapping[str, Any]], outline: Outline) -> None:
    """Each under its title; drafts and archived ones are left out and counted."""
    for row in rows:
        if not is_article(row):
            continue
        if not is_public(row):
            outline.hidden(1, "articles (drafts, archived)")
            continue
        outline.heading(LEVEL, value(row, TITLE) or "…")
        before = len(outline)
        _body(value(row, BODY), outline)
        outline.unread(len(outline) == before, "articles that hold no text")


def value(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of these fields that has text."""
    found = (row[name] for name in names if isinstance(row.get(name), str))
    return next((text.strip() for text in found if text.strip()), "")


def is_public(row: Mapping[str, Any]) -> bool:
    """Freshdesk counts: 1 is a draft, 2 is published."""
    states = {str(row.get(name, "")).strip().lower() for name in ("status", "state", "visibility")}
    freshdesk = "description_text" in row and row.get("status") == 1
    draft = str(row.get("draft", "")).strip().lower() in ("true", "1", "yes")
    return not (draft or freshdesk or states & set(HIDDEN_STATES))


def _body(text: str, outline: Outline) -> None:
    if HTML.search(text):
        read_fragment(text, outline, LEVEL)
    elif MARKDOWN.search(text):
        read_markdown(text, outline, LEVEL)
    else:
        for paragraph in text.split("\n\n"):
            outline.add(paragraph)
