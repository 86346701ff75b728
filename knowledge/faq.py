"""Approved answers whose question is, exactly or nearly, the customer's."""

from __future__ import annotations

import re
import threading
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np

from knowledge.database import Database
from knowledge.keywords import TOKEN, fold, stem
from knowledge.types import FaqMatch, Vectors
from knowledge.words import FILLER_CHARACTERS, FILLER_WORDS, FILLERS_CJK

NEAR = 0.90  # cosine of two questions; opposites reach .97, so the words must agree as well
CANDIDATES = 20

POLITE = re.compile(
    r"^(?:(?:请问|你好|您好|麻烦|劳驾|打扰(?:一下|了)?|客服|亲)[\W_]*)+"
    r"|(?:[\W_]*(?:谢谢|多谢|吗|呢|吧|啊|呀|哦|哈|么))+[\W_]*$"
    r"|^(?:(?:hi|hello|hey|please|excuse me)\b[\W_]*)+"
    r"|(?:[\W_]*\b(?:please|thanks|thank you))+[\W_]*$"
)
INSIDE_NUMBER = frozenset(".,:/-")
HOW = re.compile(r"怎么样|怎么|怎样|如何|咋")  # "can I" and "how do I" have different answers
NUMBER = re.compile(r"\d|^[零〇一二两三四五六七八九十百千万半]$")
DIRECTION = re.compile(r"\b(?:to|into|for|from|instead|than)\b|[换改转变到至比]|还是")
NEGATIVE_WORDS = re.compile(
    r"\b(?:not|no|never|none|without|cannot|nor|neither|\w+n['’]?t)\b", re.IGNORECASE
)
NEGATIVE_CJK = re.compile(r"[不没無无未别勿非]")
EITHER_OR = re.compile(r"(\w)[不没]\1|有没有|(?<=\w)没有?(?=[吗呢?？]|$)")
NEUTRAL_CJK = re.compile(r"不锈钢|无理由|无线|不错|不好意思|不过|非常|特别|别人|别的|区别|无忧")


def normal(question: str) -> str:
    """What two spellings of one question share: no case, punctuation, blanks, politeness.

    Marks inside numbers (2.5, 10:30, 80-100) and currency signs stay: they change the meaning.
    """
    text = fold(question).strip()
    text = POLITE.sub("", POLITE.sub("", text)) or text
    kept = []
    for i, c in enumerate(text):
        number = c in INSIDE_NUMBER and text[i + 1 : i + 2].isdigit()
        if c.isalnum() or number or unicodedata.category(c) in {"Sc", "Mn", "Mc"} or c in "%°+#":
            kept.append(c)
    return "".join(kept)


def agree(question: str, phrasing: str) -> bool:
    """Whether two questions have the same numbers and codes, negation and content words.

    Numbers come in the same order, as do all words where one is exchanged for another.
    """
    if negated(question) != negated(phrasing):
        return False
    asked, known = _content(question), _content(phrasing)
    if [word for word in asked if NUMBER.search(word)] != [w for w in known if NUMBER.search(w)]:
        return False
    turned = DIRECTION.search(fold(question)) or DIRECTION.search(fold(phrasing))
    return asked == known if turned else set(asked) == set(known)


def negated(text: str) -> bool:
    """Whether the question negates: 不能 does, 能不能 and 不锈钢 do not."""
    text = NEUTRAL_CJK.sub("", EITHER_OR.sub("", fold(text)))
    return bool(NEGATIVE_CJK.search(text) or NEGATIVE_WORDS.search(text))


def _content(text: str) -> list[str]:
    """Numbers, codes, stems and Chinese characters that carry the meaning, in order."""
    text = EITHER_OR.sub(lambda m: (m[1] or "") + " ", fold(text))
    text = HOW.sub(" how ", text)
    for filler in FILLERS_CJK:
        text = text.replace(filler, " ")
    found: list[str] = []
    for match in TOKEN.finditer(text):
        if run := match["cjk"]:
            found += (c for c in run if c not in FILLER_CHARACTERS)
        elif match["word"] not in FILLER_WORDS:
            found.append(stem(match["word"]))
    return found


@dataclass(frozen=True, slots=True)
class _Phrasings:
    """All phrasings at one state of the database."""

    changes: str
    rows: list[dict[str, Any]]
    vectors: Vectors  # (n, d)


class FaqBook:
    """The approved answers of all collections; safe from any thread."""

    def __init__(self, database: Database, embedder: str, dimension: int) -> None:
        self._database, self._embedder = database, embedder
        self._lock = threading.Lock()
        self._cache = _Phrasings("", [], np.empty((0, dimension), np.float32))

    def exact(self, question: str, collection: str | None, language: str | None) -> FaqMatch | None:
        """The answer to this very question; None when two answers of one language contradict."""
        key = normal(question)
        rows = [r for r in self._phrasings().rows if r["normal"] == key] if key else []
        return _choose(rows, [1.0] * len(rows), collection, language)

    def near(
        self, question: str, vector: Vectors, collection: str | None, language: str | None
    ) -> FaqMatch | None:
        """The answer to a question so near that only its wording differs. vector: (1, d)."""
        known = self._phrasings()
        if not known.rows:
            return None
        cosines = known.vectors @ vector[0]
        order = [int(i) for i in np.argsort(-cosines)[:CANDIDATES] if cosines[i] >= NEAR]
        order = [i for i in order if agree(question, known.rows[i]["phrasing"])]
        return _choose(
            [known.rows[i] for i in order],
            [min(float(cosines[i]), 0.9999) for i in order],
            collection,
            language,
        )

    def _phrasings(self) -> _Phrasings:
        # The day, too, as documents begin and end to be valid on one.
        state = self._database.row(
            "SELECT changes || date('now', 'localtime') AS changes FROM index_pointer"
        )
        changes = state["changes"] if state else ""
        with self._lock:
            if self._cache.changes != changes:
                self._cache = self._read(changes)
            return self._cache

    def _read(self, changes: str) -> _Phrasings:
        rows = self._database.rows(
            "SELECT f.id, p.text AS phrasing, p.normal, p.vector, p.language, f.answer, "
            "f.language AS faq_language, c.id AS passage_id, d.id AS document_id, d.collection, "
            "d.path, d.title FROM phrasings p JOIN faqs f ON f.id = p.faq_id "
            "JOIN chunks c ON c.id = f.chunk_id "
            "JOIN found_documents d ON d.id = c.document_id "
            "WHERE p.embedder = ? ORDER BY p.id",
            self._embedder,
        )
        vectors = [np.frombuffer(row.pop("vector"), np.float32) for row in rows]
        return _Phrasings(changes, rows, np.stack(vectors) if vectors else self._cache.vectors[:0])


def _choose(
    rows: list[dict[str, Any]], scores: list[float], collection: str | None, language: str | None
) -> FaqMatch | None:
    """The best of the customer's language, else the best; None when its equals contradict it."""
    found = [
        (row, score)
        for row, score in zip(rows, scores, strict=True)
        if collection is None or row["collection"] == collection
    ]
    for wanted in (language or "", (language or "").split("-")[0]):  # zh-Hans will do for zh-Hant
        own = [pair for pair in found if wanted and pair[0]["faq_language"].startswith(wanted)]
        if own:
            found = own
            break
    if not found:
        return None
    row, score = found[0]
    peers = {r["answer"] for r, _ in found if r["faq_language"] == row["faq_language"]}
    if len(peers) > 1:
        return None
    return FaqMatch(
        id=row["id"],
        question=row["phrasing"],
        answer=row["answer"],
        document_id=row["document_id"],
        collection=row["collection"],
        document=row["path"],
        title=row["title"],
        language=row["faq_language"],
        score=score,
        passage_id=row["passage_id"],
    )
