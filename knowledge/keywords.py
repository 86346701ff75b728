"""The words a passage is found by: CJK uni- and bigrams, stemmed words, whole codes."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from threading import Lock
from typing import Any

from knowledge.language import simplify
from knowledge.words import STOP_CHARACTERS, STOP_PHRASES_CJK, STOP_WORDS

CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
TOKEN = re.compile(
    rf"(?P<cjk>[{CJK}]+)"
    rf"|(?P<word>[^\W_{CJK}]+(?:['’\-_.][^\W_{CJK}]+)*)"  # also E2, K1, SL2403150021, 2.5, 80-100
)
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
PARTS = re.compile(r"['’\-_.]")
LONGEST = 64  # characters of a token; longer ones are data, not words
MOST_QUERY_TERMS = 64  # of a long question, the first ones


def fold(text: str) -> str:
    """Compatibility forms, case and Traditional characters folded away."""
    return simplify(unicodedata.normalize("NFKC", text).casefold())


def terms(text: str) -> list[str]:
    """The index terms of a text, in order, with repetitions."""
    found: list[str] = []
    for match in TOKEN.finditer(THOUSANDS.sub("", fold(text))):
        if run := match["cjk"]:
            found += run
            found += (run[i : i + 2] for i in range(len(run) - 1))
        else:
            found += _word(match["word"])
    return found


def query_terms(text: str) -> list[str]:
    """The distinct terms of a question without stop words; [] when nothing else is left."""
    text = fold(text)
    for word in STOP_PHRASES_CJK:
        text = text.replace(word, " ")
    kept = (t for t in terms(text) if t not in STOP_WORDS and not STOP_CHARACTERS & set(t))
    return list(dict.fromkeys(kept))[:MOST_QUERY_TERMS]


def match_expression(words: list[str]) -> str:
    """An FTS5 query for passages with any of the words; quoted, so nothing in it is syntax.

    A single Chinese character adds to the score of a passage but is not enough to find it,
    unless the question has nothing longer.
    """
    quoted = {word: '"' + word.replace('"', '""') + '"' for word in words}
    strong = [quoted[word] for word in words if len(word) > 1 or word.isascii()]
    every = " OR ".join(quoted.values())
    if not strong or len(strong) == len(words):
        return every
    return f"({' OR '.join(strong)}) AND ({every})"


def _word(token: str) -> list[str]:
    token = token[:LONGEST]
    parts = [part for part in PARTS.split(token) if part]
    if any(c.isdigit() for c in token):
        return [token] if len(parts) == 1 else [token, *(stem(part) for part in parts)]
    if len(parts) == 2 and parts[1] in {"s", "t", "re", "ll", "ve", "d", "m"}:  # it's, don't
        return [stem(parts[0])]
    return [stem(part) for part in parts]


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


_stemming = Lock()  # the stemmer keeps its word in itself


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of an English word; codes with digits and other scripts as they are."""
    if not word.isascii() or not word.isalpha():
        return word
    with _stemming:
        stemmed: str = _stemmer().stemWord(word)
    return stemmed
