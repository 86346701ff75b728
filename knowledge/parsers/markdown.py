"""Markdown files, read with markdown-it (CommonMark and tables)."""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.parsers.outline import Outline, row_lines
from knowledge.parsers.plain import decode
from knowledge.types import Parsed

FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
TITLE = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE)
TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^>]*>", re.DOTALL)


def parse(path: Path) -> Parsed:
    """Headings, paragraphs, lists, tables, code; HTML inside loses its tags."""
    text = decode(path.read_bytes(), path.name)
    title = path.stem
    if front := FRONT_MATTER.match(text):
        text = text[front.end() :]
        if named := TITLE.search(front[1]):
            title = named[1]
    outline = Outline()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    position = 0
    while position < len(tokens):
        position = _block(outline, tokens, position)
    return outline.parsed(title)


def _block(outline: Outline, tokens: list[Token], start: int) -> int:
    """Add the block that begins at `start`; where the next one begins."""
    token = tokens[start]
    if token.type in ("fence", "code_block"):
        outline.add(token.content, "code")
    elif token.type == "html_block":
        outline.add(TAG.sub("", token.content).strip())
    elif token.type == "paragraph_open":
        outline.add(_inline(tokens[start + 1]))
    elif token.type == "heading_open":
        outline.heading(int(token.tag[1]), _inline(tokens[start + 1]))
    elif token.type in ("bullet_list_open", "ordered_list_open"):
        end = _end(tokens, start)
        outline.add(_list(tokens[start : end + 1]), "list")
        return end + 1
    elif token.type == "table_open":
        end = _end(tokens, start)
        outline.add(_table(tokens[start:end]), "table")
        return end + 1
    else:  # quotes are read through; rules say nothing
        return start + 1
    return start + 1 if token.nesting == 0 else start + 3


def _end(tokens: list[Token], start: int) -> int:
    """Where the block that opens at `start` closes."""
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position
    return len(tokens) - 1


def _list(tokens: list[Token]) -> str:
    """A line per item, nested ones indented; further paragraphs of an item follow on its line."""
    lines: list[str] = []
    numbers: list[int | None] = []  # per open list, the next number; None for bullets
    fresh = False
    for token in tokens:
        if token.type == "ordered_list_open":
            numbers.append(int(token.attrs.get("start", 1)))
        elif token.type == "bullet_list_open":
            numbers.append(None)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            numbers.pop()
        elif token.type == "list_item_open":
            number = numbers[-1]
            lines.append("  " * (len(numbers) - 1) + ("- " if number is None else f"{number}. "))
            if number is not None:
                numbers[-1] = number + 1
            fresh = True
        elif token.type in ("inline", "fence", "code_block") and lines:
            text = _inline(token) if token.type == "inline" else token.content.strip()
            lines[-1] += text if fresh else " " + text
            fresh = False
    return "\n".join(lines)


def _table(tokens: list[Token]) -> str:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            rows[-1].append(_inline(token))
    return "\n".join(row_lines(rows[0], rows[1:])) if rows else ""


def _inline(token: Token) -> str:
    """Text as people read it; a link keeps its address, as answers may only give known ones."""
    parts: list[str] = []
    link = ""
    for child in token.children or ():
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type == "softbreak":
            parts.append("\n")
        elif child.type == "hardbreak":
            parts.append(" ")
        elif child.type == "image":
            parts.append(child.content)
        elif child.type == "link_open":
            link = str(child.attrs.get("href", ""))
        elif child.type == "link_close":
            if link.startswith(("http://", "https://")) and link not in "".join(parts):
                parts.append(f" ({link})")
            link = ""
    text = "".join(parts)
    return re.sub(r"[ \t]*\n[ \t]*", _break, text).strip()


def _break(match: re.Match[str]) -> str:
    """A wrapped line goes on with a blank, between Chinese characters with nothing."""
    text, start, end = match.string, match.start(), match.end()
    wide = start > 0 and text[start - 1] > "\u2e7f" and text[end : end + 1] > "\u2e7f"
    return "" if wide else " "
