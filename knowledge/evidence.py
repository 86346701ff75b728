"""Which sentences answer a question, and how likely it is that any of them does.

Search finds passages on the topic; a near miss (the topic is covered, the fact is not) looks
just like a hit there. So every sentence of the found passages is compared with the question:
meaning (cosine), the question's rare words, identifiers such as K1 or E2, and the kind of value
asked for. Two logistic models, fitted on labelled questions per language by calibrate.py, turn
that into a score per sentence and one calibrated probability per question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.answer_type import asked, held
from knowledge.database import Database
from knowledge.keywords import query_terms, terms
from knowledge.split import sentences
from knowledge.types import Embedder, Passage, Vectors
from knowledge.weights import Weights

Floats = npt.NDArray[np.float64]
IDENTIFIER = re.compile(r"(?<![a-z0-9])(?:[a-z]{1,3}\d{1,4}|\d+[a-z]{1,2}\d*)(?![a-z0-9])")
migrations = Migrations("evidence")


@migrations()
def m001_sentences(db: Sqlite) -> None:
    """Vectors of sentences live and die with their chunk."""
    db.execute(
        """CREATE TABLE sentences (
            chunk_id INTEGER NOT NULL REFERENCES chunks(id) ON DELETE CASCADE,
            position INTEGER NOT NULL, embedder TEXT NOT NULL, vector BLOB NOT NULL,
            PRIMARY KEY (chunk_id, position)) STRICT"""
    )


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, table row or approved answer of a passage, verbatim."""

    passage: Passage
    position: int  # among the passage's sentences
    text: str
    score: float = 0.0  # 0..1, how likely it belongs to the answer


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the found passages have to say to a question."""

    sentences: tuple[Sentence, ...]  # best first
    probability: float  # 0..1, calibrated, that they answer
    floor: float  # the probability below which the question counts as not answered

    @property
    def enough(self) -> bool:
        return bool(self.sentences) and self.probability >= self.floor


class EvidenceScorer:
    """Compares questions with the sentences of passages; vectors of sentences are kept."""

    def __init__(self, database: Database, embedder: Embedder, weights: Weights) -> None:
        self._db = database
        self._embedder = embedder
        self.weights = weights
        database.migrate(migrations)

    def score(
        self, question: str, vector: Vectors, passages: Sequence[Passage], language: str
    ) -> Evidence:
        """`vector`: (1, d), the query embedding of `question`; passages best first."""
        model = self.weights.of(language)
        found = [s for passage in passages for s in split(passage)]
        if not found:
            return Evidence((), 0.0, model.floor)
        rows = self.sentence_features(question, vector, found)
        scores = model.sentence.probability(rows)
        order = np.argsort(-scores, kind="stable")
        ranked = tuple(
            Sentence(found[i].passage, found[i].position, found[i].text, float(scores[i]))
            for i in order
        )
        row = question_features(rows[order], scores[order], ranked)
        return Evidence(ranked, float(model.question.probability(row[None])[0]), model.floor)

    def sentence_features(
        self, question: str, vector: Vectors, found: Sequence[Sentence]
    ) -> Floats:
        """(len(found), len(SENTENCE_FEATURES))."""
        wanted = query_terms(question)
        idf = self._idf(wanted)
        names = set(IDENTIFIER.findall(question.lower()))
        kinds = asked(question)
        cosines = self._vectors(found) @ vector[0]
        top = max(p.passage.cosine for p in found)
        return np.array(
            [
                _features(s, float(c), wanted, idf, names, kinds, top)
                for s, c in zip(found, cosines, strict=True)
            ]
        )

    def _idf(self, wanted: Sequence[str]) -> dict[str, float]:
        """Inverse document frequency, as in BM25, of each term over all chunks."""
        db = self._db.here
        db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, keywords, row)")
        marks = ",".join("?" * len(wanted))
        sql = f"SELECT term, doc FROM temp.vocabulary WHERE term IN ({marks})"
        counts = {row["term"]: row["doc"] for row in self._db.rows(sql, *wanted)} if wanted else {}
        total = next(iter(db.execute("SELECT count(*) FROM chunks")))[0]
        return {
            t: math.log(1 + (total - counts.get(t, 0) + 0.5) / (counts.get(t, 0) + 0.5))
            for t in wanted
        }

    def prepare(self, passages: Sequence[Passage]) -> None:
        """Compute the vectors of these passages' sentences ahead of the first question."""
        self._vectors([s for passage in passages for s in split(passage)])

    def _vectors(self, found: Sequence[Sentence]) -> Vectors:
        """(len(found), d); missing ones are embedded and stored."""
        name = self._embedder.name
        stored = self._stored({s.passage.id for s in found})
        missing = [s for s in found if (s.passage.id, s.position) not in stored]
        if missing:
            fresh = self._embedder.passages([in_context(s) for s in missing])
            rows = [
                (s.passage.id, s.position, name, v.tobytes())
                for s, v in zip(missing, fresh, strict=True)
            ]
            with self._db.write() as db:
                # OR IGNORE and the join: another thread was faster, or the chunk is gone by now.
                db.conn.executemany(
                    "INSERT OR REPLACE INTO sentences SELECT ?1, ?2, ?3, ?4 "
                    "WHERE EXISTS (SELECT 1 FROM chunks WHERE id = ?1)",
                    rows,
                )
            stored |= {(s.passage.id, s.position): v for s, v in zip(missing, fresh, strict=True)}
        return np.stack([stored[s.passage.id, s.position] for s in found])

    def _stored(self, ids: set[int]) -> dict[tuple[int, int], Vectors]:
        marks = ",".join("?" * len(ids))
        rows = self._db.rows(
            f"SELECT chunk_id, position, vector FROM sentences "
            f"WHERE embedder = ? AND chunk_id IN ({marks})",
            self._embedder.name,
            *ids,
        )
        return {
            (row["chunk_id"], row["position"]): np.frombuffer(row["vector"], np.float32)
            for row in rows
        }


def split(passage: Passage) -> list[Sentence]:
    """The parts of a passage that can be quoted on their own."""
    if passage.kind == "faq":
        _, _, answer = passage.text.partition("\n")
        return [Sentence(passage, 0, answer)]
    parts = passage.text.splitlines() if passage.kind == "table" else sentences(passage.text)
    return [Sentence(passage, i, text) for i, text in enumerate(filter(None, parts))]


def in_context(sentence: Sentence) -> str:
    """What is embedded for a sentence: where it stands, and itself."""
    passage = sentence.passage
    if passage.kind == "faq":
        return passage.text
    above = " › ".join(part for part in (passage.title, passage.heading) if part)
    return f"{above}\n{sentence.text}" if above else sentence.text


SENTENCE_FEATURES = (
    "cosine",  # of the sentence in its context with the question
    "passage_cosine",
    "below_best",  # passage cosine minus the best passage's
    "rank_score",
    "covered",  # share of the question's terms, weighted by rarity, in the sentence
    "covered_above",  # … in the sentence or above it (title, heading, approved question)
    "covered_passage",  # … anywhere in the passage or above it
    "rarest_missing",  # rarity of the rarest term that the passage lacks, 0..1
    "identifiers",  # share of K1, E2 … of the question that stand here; 1 if it has none
    "other_identifier",  # 1: names another K1, E2 … than the question does
    "kind_held",  # 1: holds a value of the kind asked for; 0.5: no special kind asked
    "faq",
    "table",
    "length",  # log of its characters
)


def _features(
    sentence: Sentence,
    cosine: float,
    wanted: Sequence[str],
    idf: dict[str, float],
    names: set[str],
    kinds: frozenset[str],
    top: float,
) -> list[float]:
    passage = sentence.passage
    asked_before = passage.text.partition("\n")[0] if passage.kind == "faq" else ""
    above = f"{passage.title} {passage.heading} {asked_before}"
    here = set(terms(sentence.text))
    near = here | set(terms(above))
    around = near | set(terms(passage.text))
    total = sum(idf.values()) or 1.0
    missing = [idf[t] for t in wanted if t not in around]
    named = set(IDENTIFIER.findall(f"{above} {sentence.text}".lower()))
    alike = {n for n in named if any(n[0] == m[0] for m in names)}
    return [
        cosine,
        passage.cosine,
        passage.cosine - top,
        passage.score,
        sum(idf[t] for t in wanted if t in here) / total,
        sum(idf[t] for t in wanted if t in near) / total,
        sum(idf[t] for t in wanted if t in around) / total,
        max(missing, default=0.0) / (max(idf.values(), default=1.0) or 1.0),
        len(names & named) / len(names) if names else 1.0,
        float(bool(names) and bool(alike - names) and not names & named),
        (float(bool(kinds & held(sentence.text))) if kinds else 0.5),
        float(passage.kind == "faq"),
        float(passage.kind == "table"),
        math.log1p(len(sentence.text)),
    ]


QUESTION_FEATURES = (
    "best",  # log-odds of the best sentence's score
    "second",
    "best_elsewhere",  # log-odds of the best sentence of another document
    *(f"best_{name}" for name in SENTENCE_FEATURES),
    "highest_cosine",
    "highest_covered",
    "highest_covered_passage",
    "least_rarest_missing",
    "kind_held_near",  # best kind_held among the three best sentences
)


def question_features(rows: Floats, scores: Floats, ranked: Sequence[Sentence]) -> Floats:
    """(len(QUESTION_FEATURES),) from the sentences' features, scores and order, best first."""
    column = {name: i for i, name in enumerate(SENTENCE_FEATURES)}
    odds = np.log(np.clip(scores, 1e-6, 1 - 1e-6) / np.clip(1 - scores, 1e-6, 1 - 1e-6))
    first = ranked[0].passage.document_id
    elsewhere = [o for o, s in zip(odds, ranked, strict=True) if s.passage.document_id != first]
    return np.array(
        [
            odds[0],
            odds[1] if len(odds) > 1 else odds[0] - 3,
            max(elsewhere, default=odds[-1]),
            *rows[0],
            rows[:, column["cosine"]].max(),
            rows[:, column["covered"]].max(),
            rows[:, column["covered_passage"]].max(),
            rows[:, column["rarest_missing"]].min(),
            rows[:3, column["kind_held"]].max(),
        ]
    )
