"""The one renderer: text that people or models wrote becomes safe HTML here, and only here.

markdown-it with HTML off, then nh3 with this module's allow-list. The result is one line, because
Gradio parses it as Markdown once more: a blank line would end the HTML block, and text behind it
would be read as Markdown.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = {
    *("p", "br", "strong", "em", "del", "code", "pre", "blockquote", "hr", "a"),
    *("ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b-\x1f\x7f]")

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
    ["table", "strikethrough"]
)


def answer(text: str, links: Collection[str] = ()) -> str:
    """Markdown of a reply, whole or a streamed part of it, as safe HTML.

    A link stays one only when its URL is in `links`; others become plain text. Images never load:
    their alternative text is shown.
    """
    allowed = frozenset(url for url in links if url.startswith(("https://", "http://")))
    tokens = _markdown.parse(clean(text))
    for token in tokens:
        if token.children is not None:
            token.children = _inline(token.children, allowed)
    rendered = _markdown.renderer.render(tokens, _markdown.options, {})
    safe = nh3.clean(
        rendered,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return one_line(safe)


def plain(text: str) -> str:
    """Text exactly as written, line breaks kept, nothing interpreted."""
    return html.escape(clean(text)).replace("\n", "<br>")


def passage(text: str, *sentences: str) -> str:
    """A passage with its supporting sentences marked; those that are no part of it are left out."""
    places = sorted((text.find(s), text.find(s) + len(s)) for s in sentences if s and s in text)
    shown, end = "", 0
    for start, stop in places:
        start = max(start, end)  # one may hold another
        if start < stop:
            shown += f"{plain(text[end:start])}<mark>{plain(text[start:stop])}</mark>"
            end = stop
    return shown + plain(text[end:])


def table(head: Sequence[str], rows: Sequence[Sequence[str]], name: str = "table") -> str:
    """Cells of plain text as an HTML table with the class `name`."""
    top = "".join(f"<th>{plain(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{plain(c)}</td>" for c in row) + "</tr>" for row in rows)
    inner = f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="{name}"><table>{inner}</table></div>'


def one_line(markup: str) -> str:
    """The same HTML without line breaks (a character reference keeps those inside <pre>)."""
    return markup.strip().replace("\n", "&#10;")


def clean(text: str) -> str:
    """Without control, zero-width and direction-changing characters."""
    return INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def urls(text: str) -> frozenset[str]:
    """The http(s) URLs that stand in a text, to be allowed in an answer that cites it."""
    found = re.findall(r"https?://[^\s<>\"'()\[\]{}|，。；、！？）】》」]+", text)
    return frozenset(url.rstrip(".,;:!?") for url in found)


def _inline(tokens: list[Token], allowed: frozenset[str]) -> list[Token]:
    kept: list[Token] = []
    dropped = 0  # links do not nest, but a dropped opening must drop its own closing
    inside = False
    for token in tokens:
        if token.type == "image":
            kept.append(_text(token.content))
        elif token.type == "link_open":
            if token.attrGet("href") in allowed:
                inside = True
                kept.append(token)
            else:
                dropped += 1
        elif token.type == "link_close":
            if dropped:
                dropped -= 1
            else:
                inside = False
                kept.append(token)
        elif token.type == "text" and allowed and not inside:
            kept.extend(_linked(token.content, allowed))
        else:
            kept.append(token)
    return kept


def _linked(text: str, allowed: frozenset[str]) -> list[Token]:
    """Text tokens, with link tokens where an allowed URL stands in the text."""
    longest = sorted(allowed, key=len, reverse=True)
    tokens: list[Token] = []
    for part in re.split("(" + "|".join(map(re.escape, longest)) + ")", text):
        if part in allowed:
            opening = Token("link_open", "a", 1, attrs={"href": part})
            tokens += [opening, _text(part), Token("link_close", "a", -1)]
        elif part:
            tokens.append(_text(part))
    return tokens


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
