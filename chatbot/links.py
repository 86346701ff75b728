"""Links in what an engine wrote: they stand in the passage that is cited, or their host is allowed.

A link can carry what was said to a stranger, and an image does so without a click.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from urllib.parse import SplitResult, urlsplit

from knowledge.types import Passage

REST = r"[^\s<>\"'()\[\]|，。；：、！？（）【】《》「」\u4e00-\u9fff]"
# A name without a scheme is a link only with a path or an ending that chat windows know:
# "Node.js" and "30 days.Then" are none.
ENDINGS = (
    r"com|net|org|info|biz|cn|hk|tw|sg|jp|uk|de|fr|eu|us|ru|io|co|me|cc|tv|ai|app|dev|shop|store"
    r"|site|online|top|xyz|vip|club|link|live|example|invalid|test"
)
LINK = re.compile(
    rf"(?<![\w.+-])(?:[a-z][a-z0-9+.-]*:)?[/\\]{{2}}{REST}+"
    rf"|\b(?:javascript|data|vbscript|file|blob|mailto|tel|sms):{REST}+"
    rf"|\bwww\.{REST}+"
    rf"|(?<![@\w.-])(?:[a-z0-9-]+\.)+(?:[a-z]{{2,}}(?::\d+)?/{REST}*|(?:{ENDINGS})\b)",
    re.IGNORECASE,
)
TARGET = re.compile(
    r"\]\(\s*<?([^)\s>]+)|\]:\s*<?([^\s>]+)|\b(?:href|src)\s*=\s*[\"']?([^\s\"'>]+)",
    re.IGNORECASE,
)
IMAGE = re.compile(r"!\[|<img\b|\bsrc\s*=", re.IGNORECASE)
TAG = re.compile(r"<img\b[^>]*>?", re.IGNORECASE)
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")


def forbidden(sentence: str, passage: Passage, hosts: Collection[str] = ()) -> str | None:
    """Why the sentence may not be shown, None when it may; `hosts`: allowed, in small letters."""
    flat = unicodedata.normalize("NFKC", sentence)
    if IMAGE.search(flat):
        return "shows an image"
    there = unicodedata.normalize("NFKC", f"{passage.title} {passage.heading} {passage.text}")
    known = {_key(link) for link in _found(there)}
    for link in _found(flat):
        if _key(link) not in known and not _allowed(link, hosts):
            return "a link that is not in the cited passage"
    return None


def without_allowed(sentence: str, hosts: Collection[str]) -> str:
    """The sentence without links to allowed hosts: no passage has to support those."""
    if not hosts:
        return sentence
    return LINK.sub(lambda m: "" if _allowed(m[0], hosts) else m[0], sentence)


def without_images(text: str) -> str:
    """Markup of an image as a link or nothing: no reader of a reply loads it by itself.

    Only the mark before the bracket goes, because a sentence may hold one half of the markup.
    """
    return TAG.sub("", text).replace("![", "[")


def _found(text: str) -> Iterator[str]:
    for match in LINK.finditer(text):
        yield match[0]
    for match in TARGET.finditer(text):
        yield next(filter(None, match.groups()))


def _parts(link: str) -> SplitResult | None:
    """None for what is no address. Browsers read a backslash as a slash."""
    text = link.rstrip(".,;:!?}*_~`").replace("\\", "/")
    if not re.match(r"[a-z][a-z0-9+.-]*:(?!\d)", text, re.IGNORECASE):
        text = f"https://{text.lstrip('/')}"
    try:
        parts = urlsplit(text)
        return parts if parts.port != 0 else None  # .port raises for one that is no number
    except ValueError:
        return None


def _key(link: str) -> tuple[str, ...]:
    """What two spellings of the same link share."""
    parts = _parts(link)
    if parts is None:
        return (link,)
    scheme = "" if parts.scheme in ("http", "https") else parts.scheme
    return (scheme, parts.netloc.lower(), parts.path.rstrip("/"), parts.query, parts.fragment)


def _allowed(link: str, hosts: Collection[str]) -> bool:
    parts = _parts(link)
    if parts is None or parts.scheme not in ("http", "https") or "@" in parts.netloc:
        return False
    return (parts.hostname or "").rstrip(".") in hosts
