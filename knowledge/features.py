"""What tells whether a sentence answers a question, as numbers.

A near miss (the topic is covered, the fact is not) looks like a hit to search. What gives it
away: a rare word of the question that no document knows, an identifier that is not there, a
price asked for and no price near, a meaning that is close but not closest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge.answer_type import answers, asked
from knowledge.content_words import Word, content_words
from knowledge.injection import looks_like_instruction
from knowledge.keywords import query_terms, terms
from knowledge.split import sentences
from knowledge.types import Passage

Floats = npt.NDArray[np.float64]
IDENTIFIER = re.compile(r"(?<![a-z0-9])(?:[a-z]{1,3}\d{1,4}|\d+[a-z]{1,2}\d*)(?![a-z0-9])")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, table row or approved answer of a passage, verbatim."""

    passage: Passage
    position: int  # among the passage's sentences
    text: str
    score: float = 0.0  # 0..1, how likely it belongs to the answer


def split(passage: Passage) -> list[Sentence]:
    """The parts of a passage that can be quoted on their own.

    None of a line that looks like an instruction to the assistant; positions count those too.
    """
    return [
        Sentence(passage, i, text)
        for i, (text, line) in enumerate(_parts(passage))
        if not looks_like_instruction(line)
    ]


def parts(passage: Passage) -> list[str]:
    """All parts, also those that must not be quoted: the text at each position."""
    return [text for text, _ in _parts(passage)]


def _parts(passage: Passage) -> list[tuple[str, str]]:
    """Each part with the line that it stands in."""
    if passage.kind == "faq":
        return [(passage.text.partition("\n")[2], passage.text)]
    lines = passage.text.splitlines()
    if passage.kind == "table":
        return [(line, line) for line in filter(None, lines)]
    return [(text, line) for line in lines for text in sentences(line)]


def above(sentence: Sentence) -> str:
    """What stands over a sentence: title, heading, the approved question."""
    passage = sentence.passage
    question = passage.text.partition("\n")[0] if passage.kind == "faq" else ""
    return " › ".join(part for part in (passage.title, passage.heading, question) if part)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question taken apart once, compared with many sentences."""

    words: tuple[Word, ...]
    terms: tuple[str, ...]
    idf: Mapping[str, float]  # of each term over all chunks, as in BM25
    known: Set[str]  # the terms that stand in some chunk
    names: frozenset[str]  # identifiers such as k1, e2
    kinds: frozenset[str]  # of value asked for

    def share(self, present: Set[str]) -> float:
        """Share of the terms, weighted by idf, that are present, 0..1."""
        total = sum(self.idf.values()) or 1.0
        return sum(self.idf[t] for t in self.terms if t in present) / total

    def word_share(self, present: Set[str]) -> float:
        """Share of the content words, weighted by rarity, that are present, 0..1."""
        total = sum(w.rarity for w in self.words) or 1.0
        return sum(w.rarity for w in self.words if w.among(present)) / total

    def unknown(self) -> list[Word]:
        """Content words that no document holds in any of their forms."""
        return [w for w in self.words if not w.among(self.known)]


def take_apart(question: str, context: str, idf: Mapping[str, float], known: Set[str]) -> Asked:
    """`context`: the earlier turn that a follow-up leans on; it only lends its identifiers."""
    names = frozenset(IDENTIFIER.findall(question.lower()))
    return Asked(
        words=content_words(question),
        terms=tuple(t for t in query_terms(question) if t in idf),
        idf=idf,
        known=known,
        names=names or frozenset(IDENTIFIER.findall(context.lower())),
        kinds=asked(question),
    )


SENTENCE_FEATURES = (
    "read",  # log-odds that the sentence answers, from reader.py
    "read_gap",  # to the best sentence found, ≤ 0
    "own",  # the same from the reader of this language alone, where there is one
    "own_gap",
    "cosine",  # of the sentence in its context with the question
    "cosine_gap",  # to the best sentence found, ≤ 0
    "passage_cosine",
    "passage_gap",  # to the best passage found, ≤ 0
    "rank_score",
    "covered",  # share of the question's terms, weighted by idf, in the sentence
    "covered_above",  # … in the sentence or above it
    "covered_passage",  # … anywhere in the passage or above it
    "words_above",  # share of its content words, weighted by rarity, in the sentence or above it
    "words_passage",  # … anywhere in the passage or above it
    "elsewhere",  # rarity of the rarest word that other passages have and this one lacks, 0..1
    "identifiers",  # share of K1, E2 … of the question that stand here; 1 if it has none
    "other_identifier",  # 1: names another K1, E2 … than the question does
    "kind_held",  # 1: holds a value of the kind asked for; 0.5: no special kind asked
    "kind_missing",  # 1: a kind is asked for and not here
    "faq",
    "table",
    "length",  # log of its characters
)
COLUMN = {name: i for i, name in enumerate(SENTENCE_FEATURES)}


def sentence_features(
    question: Asked, found: Sequence[Sentence], cosines: Floats, read: Floats, own: Floats
) -> Floats:
    """(len(found), len(SENTENCE_FEATURES)); cosines, read and own: (len(found),)."""
    closest = max(s.passage.cosine for s in found)
    near = np.stack([part for x in (read, own, cosines) for part in (x, x - x.max())], 1)
    rows = [
        [*row, *_features(question, s, s.passage.cosine - closest)]
        for s, row in zip(found, near.tolist(), strict=True)
    ]
    return np.array(rows)


def _features(question: Asked, sentence: Sentence, passage_gap: float) -> list[float]:
    passage = sentence.passage
    head = above(sentence)
    here = set(terms(sentence.text))
    near = here | set(terms(head))
    around = near | set(terms(passage.text))
    lacking = [w for w in question.words if w.among(question.known) and not w.among(around)]
    named = frozenset(IDENTIFIER.findall(f"{head} {sentence.text}".lower()))
    others = {n[0] for n in named - question.names}  # asked for E3 on the K2, E1 on the K2 is noise
    other = any(n[0] in others for n in question.names - named)
    holds = answers(question.kinds, sentence.text)
    return [
        passage.cosine,
        passage_gap,
        passage.score,
        question.share(here),
        question.share(near),
        question.share(around),
        question.word_share(near),
        question.word_share(around),
        max((w.rarity for w in lacking), default=0.0) / 7.5,
        len(question.names & named) / len(question.names) if question.names else 1.0,
        float(other),
        float(holds) if question.kinds else 0.5,
        float(bool(question.kinds) and not holds),
        float(passage.kind == "faq"),
        float(passage.kind == "table"),
        math.log1p(len(sentence.text)),
    ]


LEAST = ("elsewhere", "other_identifier", "kind_missing")
QUESTION_FEATURES = (
    "best",  # log-odds of the best sentence's score
    "second",
    "best_elsewhere",  # log-odds of the best sentence of another document
    *(f"best_{name}" for name in SENTENCE_FEATURES),
    *(f"highest_{name}" for name in SENTENCE_FEATURES),
    *(f"least_{name}" for name in LEAST),
    "kind_near",  # best kind_held among the three best sentences
    "kind_gap",  # best cosine of a sentence with the kind asked for, minus the best cosine
    "unknown_share",  # share of the content words, weighted by rarity, that no document knows
    "unknown_rarest",  # 0..1
    "unknown_count",
    "words",
    "terms",
    "chinese",
)


def question_features(
    question: Asked, rows: Floats, scores: Floats, found: Sequence[Sentence], language: str
) -> Floats:
    """(len(QUESTION_FEATURES),) from the features and scores of the sentences found."""
    order = np.argsort(-scores, kind="stable")
    rows, scores = rows[order], np.clip(scores[order], 1e-6, 1 - 1e-6)
    odds = np.log(scores / (1 - scores))
    documents = [found[i].passage.document_id for i in order]
    others = [o for o, d in zip(odds, documents, strict=True) if d != documents[0]]
    unknown = question.unknown()
    total = sum(w.rarity for w in question.words) or 1.0
    fitting = rows[rows[:, COLUMN["kind_missing"]] < 0.5]
    best = float(rows[:, COLUMN["cosine"]].max())
    kind_best = float(fitting[:, COLUMN["cosine"]].max()) if len(fitting) else best - 0.2
    return np.array(
        [
            odds[0],
            odds[1] if len(odds) > 1 else odds[0] - 3,
            max(others, default=odds[-1]),
            *rows[0],
            *rows.max(axis=0),
            *(rows[:, COLUMN[name]].min() for name in LEAST),
            rows[:3, COLUMN["kind_held"]].max(),
            kind_best - best,
            sum(w.rarity for w in unknown) / total,
            max((w.rarity for w in unknown), default=0.0) / 7.5,
            len(unknown),
            len(question.words),
            len(question.terms),
            float(language.startswith("zh")),
        ]
    )
