"""Documents into chunks: structure first, size second, measured in the embedder's tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from knowledge.types import Block, BlockKind, Chunk, FaqPair, Parsed
from knowledge.words import ABBREVIATIONS, MAY_END

Count = Callable[[str], int]

CLOSING = "”’」』）》】\"')]"
WIDE_END = re.compile(rf"[。！？!?…．]+[{re.escape(CLOSING)}]*")
LATIN_END = re.compile(rf"[.!?]+[{re.escape(CLOSING)}]*(?=\s|$)")
CLAUSE_END = re.compile(r"(?<=[，,；;：:、])\s*|(?<=\s)")


def sentences(text: str) -> list[str]:
    """The sentences of `text`, each a verbatim part of it, in order; only white space is left out.

    A line break ends a sentence, so list items and table rows stay whole.
    """
    found: list[str] = []
    for line in text.splitlines():
        start = 0
        for end in _ends(line):
            found.append(line[start:end].strip())
            start = end
        found.append(line[start:].strip())
    return [sentence for sentence in found if sentence]


def _ends(line: str) -> Iterator[int]:
    """Where a sentence ends within a line."""
    if re.match(r"[^:|]{1,60}: .*\S \| ", line):
        return  # a table row
    for match in re.finditer(f"{WIDE_END.pattern}|{LATIN_END.pattern}", line):
        mark = match[0].rstrip(CLOSING)
        wide = mark[-1] in "。！？…．"
        if wide or _latin_end(line, match.start(), match.end(), mark):
            yield match.end()


def _latin_end(line: str, start: int, end: int, mark: str) -> bool:
    """Whether . ! ? at `start` ends a sentence: not in 2.5, e.g., URLs, or after "1."."""
    following = line[end:]
    if following and not following[0].isspace():
        # "Really?真的" ends; "?a=b" in a URL and "!important" do not.
        return mark[-1] in "!?" and "\u3400" <= following[0] <= "\u9fff"
    if mark != ".":
        return True
    word = (
        line[:start].rsplit(None, 1)[-1].lower().lstrip("([\"'“‘") if line[:start].strip() else ""
    )
    if not line[:start].rstrip(word).strip(" -•*") and re.fullmatch(r"\d{1,3}|[a-z]", word):
        return False  # the number of a list item
    if re.fullmatch(r"[a-z]", word) and following.strip()[:1].isupper():
        return False  # an initial
    if word in ABBREVIATIONS:
        return word in MAY_END and (not following.strip() or following.strip()[0].isupper())
    return True


def glue(before: str, after: str) -> str:
    """What goes between two sentences: nothing where one side is Chinese, a blank elsewhere."""
    wide = re.search(r"[\u3000-\u9fff\uff00-\uffef]$", before)
    return "" if not before or wide or re.match(r"[\u3000-\u9fff\uff00-\uffef]", after) else " "


def split(parsed: Parsed, count: Count, limit: int) -> list[Chunk]:
    """Chunks in reading order, none over `limit` tokens where it can be cut; FAQ pairs stay whole.

    Blocks are packed under their heading; a chunk never spans two headings. Tables stand alone.
    """
    chunks: list[Chunk] = []
    for heading, blocks in groupby(parsed.blocks, key=lambda block: block.heading):
        title = " › ".join(heading)
        for table, group in groupby(blocks, key=lambda block: block.kind == "table"):
            if table:
                for block in group:
                    chunks += _pack([block], title, count, limit)
            else:
                chunks += _pack(group, title, count, limit)
    return chunks + [faq_chunk(pair) for pair in parsed.faqs]


def faq_chunk(pair: FaqPair) -> Chunk:
    """An approved answer as a passage: the question, and the answer below it."""
    return Chunk(f"{pair.question}\n{pair.answer}", "", "faq")


def embedded_text(title: str, chunk: Chunk) -> str:
    """What the embedder and the keywords see: title, heading path, text."""
    if chunk.kind == "faq":  # the title of a table of questions says nothing about them
        return chunk.text
    above = " › ".join(part for part in (title, chunk.heading) if part)
    return f"{above}\n{chunk.text}" if above else chunk.text


def _pack(blocks: Iterable[Block], heading: str, count: Count, limit: int) -> list[Chunk]:
    """Whole pieces joined until the next one would not fit; a text is a part of the document."""
    chunks: list[Chunk] = []
    text, kind, page, used = "", "text", None, 0
    for block in blocks:
        for joint, piece, tokens in _pieces(block, count, limit):
            size = tokens + 1  # of the line break or space
            if text and used + size > limit:
                chunks.append(Chunk(text, heading, _kind(kind), page))
                text, used = "", 0
            if not text:
                text, kind, page = piece, block.kind, block.page
            else:
                text += joint + piece
                kind = kind if kind == block.kind else "text"
            used += size
    if text:
        chunks.append(Chunk(text, heading, _kind(kind), page))
    return chunks


def _kind(kind: str) -> BlockKind:
    return kind if kind in ("list", "table", "code") else "text"  # type: ignore[return-value]


def _pieces(block: Block, count: Count, limit: int) -> Iterator[tuple[str, str, int]]:
    """(joint to the piece before, piece, its tokens): the block, else lines, sentences, clauses."""
    if len(block.text.split()) < limit and (tokens := count(block.text)) < limit:
        yield "\n", block.text, tokens
        return
    for line in filter(None, (line.rstrip() for line in block.text.splitlines())):
        if (tokens := count(line)) < limit:
            yield "\n", line, tokens
            continue
        joint = "\n"
        for sentence, space in _with_space(line):
            for part in _cut(sentence, count, limit):
                yield joint, part, count(part)
                joint = ""
            joint = space


def _with_space(line: str) -> Iterator[tuple[str, str]]:
    """Sentences with the white space that follows each in the line."""
    rest = line
    for sentence in sentences(line):
        rest = rest[rest.index(sentence) + len(sentence) :]
        yield sentence, rest[: len(rest) - len(rest.lstrip())]


def _cut(text: str, count: Count, limit: int) -> Iterator[str]:
    """Parts below `limit` tokens that join to `text`: at clauses, else anywhere."""
    while count(text) >= limit:
        # Tokens are about as many per character all along a sentence; halve until it fits.
        reach = len(text)
        while reach > 1 and count(text[:reach]) >= limit:
            reach = reach * 2 // 3
        ends = [m.end() for m in CLAUSE_END.finditer(text[:reach]) if m.end() > reach // 3]
        at = ends[-1] if ends else reach
        yield text[:at]
        text = text[at:]
    if text:
        yield text
