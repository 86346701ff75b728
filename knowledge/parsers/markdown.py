"""Markdown files, read with markdown-it (CommonMark and tables)."""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.parsers.encoding import decode
from knowledge.parsers.outline import Outline, row_lines
from knowledge.parsers.visibility import hidden_tag
from knowledge.parsers.web_page import read_fragment
from knowledge.types import Parsed

FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
TITLE = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE)


def parse(path: Path) -> Parsed:
    """Headings, paragraphs, lists, tables, code; HTML inside is read as a web page is."""
    decoded = decode(path.read_bytes(), path.name)
    text, title = decoded.text, path.stem
    if front := FRONT_MATTER.match(text):
        text = text[front.end() :]
        if named := TITLE.search(front[1]):
            title = named[1]
    outline = Outline()
    outline.warnings += decoded.warnings
    read_markdown(text, outline)
    return outline.parsed(title)


def read_markdown(text: str, outline: Outline, below: int = 0) -> None:
    """Markdown into an outline; its headings go `below` levels down."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    without_hidden_spans(tokens, outline)
    position = 0
    while position < len(tokens):
        position = _past_hidden(outline, tokens, position) or _block(
            outline, tokens, position, below
        )


def _past_hidden(outline: Outline, tokens: list[Token], start: int) -> int:
    """Where what a lone <div hidden> hides ends; 0 when nothing hides the block at `start`.

    Markdown between such tags is made of blocks of its own.
    """
    token = tokens[start]
    tag = re.match(r"\s*<([a-zA-Z]+)[^>]*>", token.content)
    if token.type != "html_block" or not tag or not hidden_tag(tag[0]):
        return 0
    close = f"</{tag[1]}".lower()
    if close in token.content.lower():
        return 0
    outline.hidden(1, "pieces of text")
    for position in range(start + 1, len(tokens)):
        if tokens[position].type == "html_block" and close in tokens[position].content.lower():
            return position + 1
    return len(tokens)


def without_hidden_spans(tokens: list[Token], outline: Outline) -> None:
    """Empty what stands between an inline tag that hides, such as <span hidden>, and its end."""
    for token in tokens:
        ends = ""
        for child in token.children or ():
            text = child.content if child.type == "html_inline" else ""
            tag = re.match(r"</?([a-zA-Z]+)", text)
            if ends and tag and text.lower().startswith(f"</{ends}"):
                ends = ""
            elif not ends and tag and hidden_tag(text):
                ends = tag[1].lower()
                outline.hidden(1, "pieces of text")
            elif ends:
                child.content, child.attrs = "", {}


def _block(outline: Outline, tokens: list[Token], start: int, below: int) -> int:
    """Add the block that begins at `start`; where the next one begins."""
    token = tokens[start]
    if token.type in ("fence", "code_block"):
        outline.add(token.content, "code")
    elif token.type == "html_block":
        read_fragment(token.content, outline, below)
    elif token.type == "paragraph_open":
        outline.add(_inline(tokens[start + 1]))
    elif token.type == "heading_open":
        outline.heading(int(token.tag[1]) + below, _inline(tokens[start + 1]))
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
