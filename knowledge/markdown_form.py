"""One document as Markdown that people can read and edit, and back without loss.

Between `<!-- passage … -->` and `<!-- end -->` the text of a passage stands word for word; what
is outside is for the reader only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from knowledge.errors import UnreadableFile
from knowledge.types import Chunk

PASSAGE = re.compile(
    r"^<!-- passage (?P<about>\{[^\n]*\}) -->\n(?P<text>.*?)\n<!-- end -->$",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r"^(\\*<!-- (?:passage|end)\b)", re.MULTILINE)
MARKED = re.compile(r"^\\(\\*<!-- (?:passage|end)\b)", re.MULTILINE)
KINDS = frozenset({"text", "list", "table", "code"})


def written(front: dict[str, str], chunks: Iterable[Chunk], note: str = "") -> str:
    """Front matter, then the passages under their headings. note: a line of its own."""
    parts = ["---", *(f"{key}: {json.dumps(v, ensure_ascii=False)}" for key, v in front.items())]
    parts += ["---", ""]
    if note:
        parts += [note, ""]
    heading = ""
    for chunk in chunks:
        if chunk.heading and chunk.heading != heading:
            parts += [f"## {' '.join(chunk.heading.split())}", ""]
        heading = chunk.heading
        about = {"kind": chunk.kind, "heading": chunk.heading, "page": chunk.page}
        given = {key: value for key, value in about.items() if value not in ("", None)}
        shown = json.dumps(given, ensure_ascii=False).replace(">", "\\u003e")
        parts += [f"<!-- passage {shown} -->", MARK.sub(r"\\\1", chunk.text), "<!-- end -->", ""]
    return "\n".join(parts)


def passages(text: str, name: str) -> tuple[Chunk, ...]:
    """The passages of written(). Raises UnreadableFile when a mark was damaged."""
    found = []
    for match in PASSAGE.finditer(text):
        try:
            about = json.loads(match["about"])
            page, kind = about.get("page"), about["kind"]
            if kind not in KINDS or not (page is None or isinstance(page, int)):
                raise ValueError
            heading = str(about.get("heading", ""))
        except (ValueError, KeyError):
            raise UnreadableFile(f"{name}: the mark {match['about'][:60]} is damaged.") from None
        found.append(Chunk(MARKED.sub(r"\1", match["text"]), heading, kind, page))
    if len(found) != len(re.findall(r"^<!-- passage", text, re.MULTILINE)):
        raise UnreadableFile(f"{name}: a passage has no end mark. Export it again.")
    return tuple(found)
