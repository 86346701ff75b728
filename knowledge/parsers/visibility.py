"""What a web page hides from its readers by its own attributes and inline styles."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any

from knowledge.words import words

UNREAD = words("""
    script style noscript template nav aside footer button select option svg math iframe object
    embed audio video canvas dialog head input textarea
""")
HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|(?<![-\w])opacity\s*:\s*0?(?:\.0+)?\s*(?:[;!]|$)"
    r"|font-size\s*:\s*(?:0(?:\.0*)?[a-z%]*|(?:0?\.\d+|1)(?:\.0*)?p[xt])\s*(?:[;!]|$)"
    r"|(?:left|top|text-indent)\s*:\s*-\d{4,}p[xt]",
    re.IGNORECASE,
)
COLOR = re.compile(r"(?<![-\w])color\s*:\s*([^;!]+)", re.IGNORECASE)
BACKGROUND = re.compile(r"(?<![-\w])background(?:-color)?\s*:\s*([^;!]+)", re.IGNORECASE)
WHITE = re.compile(
    r"white|#fff(?:f{3})?|rgba?\(\s*255[\s,]+255[\s,]+255\s*\)|hsl\(\s*\d+[\s,]+\d+%[\s,]+100%\s*\)"
)
UNSEEN = "transparent"


def without_hidden(tree: Any) -> int:
    """Take what is not seen out of an lxml tree; returns how many pieces of text that were.

    Left out: the attributes hidden and aria-hidden; inline styles that hide, make tiny, move off
    the page, or paint text in the colour behind it. Style sheets are not looked at.
    """
    styled = tree.xpath("//*[@hidden or @aria-hidden or @style or @color]")
    found = [e for e in styled if _hidden(e) or _painted_over(e)]
    inside = set(found)
    pieces = 0
    for element in found:
        above = list(element.iterancestors())
        if not above or element.tag in ("html", "body"):  # scripts show such pages when loaded
            continue
        if not any(a in inside or a.tag in UNREAD for a in above):
            pieces += _has_text(element)
    for element in reversed(found):
        if element.getparent() is not None and element.tag not in ("html", "body"):
            element.drop_tree()
    return pieces


def hidden_tag(tag: str) -> bool:
    """Whether an opening tag, as text, hides what it holds."""
    style = re.search(r"style\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+)", tag, re.IGNORECASE)
    given = style[1].strip("\"'") if style else ""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", tag)
    return (
        bool(re.search(r"\shidden(?=[\s=/>])", bare, re.IGNORECASE))
        or bool(HIDDEN_STYLE.search(given))
        or _colour(COLOR, given) in ("white", UNSEEN)
    )


def _hidden(element: Any) -> bool:
    return (
        "hidden" in element.attrib
        or element.get("aria-hidden") == "true"
        or bool(HIDDEN_STYLE.search(element.get("style") or ""))
    )


def _painted_over(element: Any) -> bool:
    """Whether its text has the colour of what is behind it, as far as attributes tell.

    A class or id may bring a background of its own: then white text counts as seen.
    """
    style = element.get("style") or ""
    colour = _colour(COLOR, style) or _named(element.get("color") or "")
    if not colour or colour == UNSEEN or element.tag in ("html", "body"):
        return colour == UNSEEN
    for behind in chain([element], element.iterancestors()):
        own = _colour(BACKGROUND, behind.get("style") or "") or _named(behind.get("bgcolor") or "")
        if own:
            return own == colour
        if behind.tag not in ("html", "body") and ("class" in behind.attrib or behind.get("id")):
            return False
    return colour == "white"


def _colour(pattern: re.Pattern[str], style: str) -> str:
    match = pattern.search(style)
    return _named(match[1]) if match else ""


def _named(value: str) -> str:
    """One spelling for white, "transparent" for no colour; others as they are, #abc as #aabbcc."""
    value = value.strip().lower()
    if WHITE.fullmatch(value):
        return "white"
    if short := re.fullmatch(r"#([0-9a-f])([0-9a-f])([0-9a-f])", value):
        return "#" + "".join(digit * 2 for digit in short.groups())
    return UNSEEN if re.fullmatch(r"(?:rgba|hsla)\(.*[,/]\s*0?(?:\.0+)?%?\s*\)", value) else value


def _has_text(element: Any) -> bool:
    """Text, or an image's text, that would have been read."""
    return any(
        e.tag not in UNREAD
        and ((e.text or "").strip() or (e is not element and (e.tail or "").strip()))
        for e in element.iter()
        if isinstance(e.tag, str)
    )
