"""What a CRF looks at: words of Latin and the like, single characters of Chinese and the like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from chatbot.spans import Place, Span, bio
from knowledge.language import simplify

VERSION = 1  # a model that was trained with other features is of no use
_SINGLE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"  # kana, Han, hangul
# A placeholder of chatbot/masking.py, one such character, digits, letters, any other sign.
WORD = re.compile(rf"\[[A-Z_]+_\d+\]|[{_SINGLE}]|\d+|[^\W\d_{_SINGLE}]+|\S")
REPEATED = re.compile(r"(.)\1+")
MOST_COUNTED = 4  # words, from which a text is just long


def places(text: str) -> list[Place]:
    """Where its words stand."""
    return [match.span() for match in WORD.finditer(text)]


def features(
    text: str, words: Sequence[Place], context: str = "", listed: Sequence[Span] = ()
) -> list[list[str]]:
    """Of each word: itself, its shape and affixes, what stands around it, and `context`.

    `context` are words that are known beforehand, e.g. the slots that were asked for; `listed`
    are names of the team's own list that stand in the text.
    """
    # Both keep the length; CRFsuite takes no lone surrogates.
    read = simplify(text).encode("utf-8", "replace").decode()
    forms = [unicodedata.normalize("NFKC", read[start:end]) for start, end in words]
    low = ["", "", "", *(form.lower() for form in forms), "", "", ""]
    shapes = ["", *map(shape, forms), ""]
    size = str(min(len(words), MOST_COUNTED))
    asked = sorted(set(context.split()))
    names = bio(words, listed)
    rows = []
    for at in range(len(words)):
        c3, c2, c1, word, d1, d2, d3 = low[at : at + 7]
        before, own, behind = shapes[at : at + 3]
        row = [
            "bias", f"w={word}", f"s={own}", f"n={size}|{own}",
            f"w-1={c1}", f"w-2={c2}", f"w+1={d1}", f"w+2={d2}", f"s-1={before}", f"s+1={behind}",
            f"w-1w={c1}|{word}", f"ww+1={word}|{d1}", f"w-1w+1={c1}|{d1}", f"w-2w-1={c2}|{c1}",
            f"w+1w+2={d1}|{d2}", f"s-1s+1={before}|{own}|{behind}", f"w-1s={c1}|{own}",
            f"w+1s={d1}|{own}", f"w-2-1s={c2}|{c1}|{own}", f"w-3={c3}", f"w+3={d3}",
            f"w-1ww+1={c1}|{word}|{d1}", f"w-3-1={c3}|{c2}|{c1}",
        ]  # fmt: skip
        if len(word) > 1:
            row += [f"p{n}={word[:n]}" for n in (1, 2, 3)] + [
                f"e{n}={word[-n:]}" for n in (1, 2, 3)
            ]
        if at and words[at - 1][1] == words[at][0]:
            row.append("joined")
        if names[at] != "O":
            row.append(f"listed={names[at]}")
        if asked:
            all_ = "+".join(asked)
            row += [f"a={all_}|{own}|{size}", f"aw={all_}|{word}"]
        for slot in asked:
            row += [f"k={slot}", f"ks={slot}|{own}", f"kn={slot}|{size}", f"kw-1={slot}|{c1}"]
        rows.append(row)
    return rows


def shape(word: str) -> str:
    """Xxxx of Anna, dd of 30, x of 茶; of longer words each kind of character once."""
    kinds = (
        "d" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in word
    )
    found = "".join(kinds)
    return found if len(found) <= MOST_COUNTED else REPEATED.sub(r"\1\1", found)
