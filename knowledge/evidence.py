"""Which sentences answer a question, and how likely it is that any of them does.

Search finds passages on the topic. Here every sentence of theirs is compared with the question
(reader.py, features.py); a logistic model scores sentences, and extremely randomised trees
(Geurts et al. 2006) turn the picture as a whole into one probability. Both are fitted on labelled
questions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.content_words import content_words
from knowledge.database import Database
from knowledge.features import (
    COLUMN,
    Asked,
    Floats,
    Sentence,
    above,
    question_features,
    sentence_features,
    split,
    take_apart,
)
from knowledge.keywords import query_terms
from knowledge.reader import Reader
from knowledge.readings import Readings
from knowledge.statistics import document_counts
from knowledge.types import Embedder, Passage, Vectors
from knowledge.weights import LanguageWeights, Logistic, Weights

OTHER = 0.1  # what is left of a sentence's score when it names another identifier
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
class Evidence:
    """What the found passages have to say to a question."""

    sentences: tuple[Sentence, ...]  # best first
    probability: float  # 0..1, calibrated, that they answer
    floor: float  # the probability below which the question counts as not answered
    unknown: tuple[str, ...] = ()  # content words of the question that no document holds

    @property
    def enough(self) -> bool:
        return bool(self.sentences) and self.probability >= self.floor


@dataclass(frozen=True, slots=True)
class Picture:
    """A question beside the sentences found for it, in numbers."""

    asked: Asked
    found: tuple[Sentence, ...]
    rows: Floats  # (sentences, sentence features)


class EvidenceScorer:
    """Compares questions with the sentences of passages; vectors of sentences are kept."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        reader: Reader,
        weights: Weights | None,
        english: Reader | None = None,
        answerable: float = 0.5,
        floor: float = 0.0,
    ) -> None:
        """`reader` reads every language, `english` reads it once more; weights: None to fit some;
        until then nothing counts as evidence. answerable: share of all questions, above 0 and
        below 1, that the documents answer; the probability is as right as this is. floor: 0..1,
        instead of those that were fitted; 0 for these."""
        self.answerable = answerable
        self._floor = floor
        self._db = database
        self._readings = Readings(database, reader, "every language")
        self._english = Readings(database, english, "English") if english else None
        self._embedder = embedder
        self._weights = weights
        database.migrate(migrations)

    @property
    def weights(self) -> Weights | None:
        """What was fitted; None until something is."""
        return self._weights

    def score(
        self,
        question: str,
        vector: Vectors,
        passages: Sequence[Passage],
        language: str,
        context: str = "",
    ) -> Evidence:
        """`vector`: (1, d), the query that found the passages; `context`: see take_apart()."""
        if self._weights is None:
            return Evidence((), 0.0, 1.0)
        model = self._weights.of(language)
        picture = self.picture(question, vector, passages, language, context)
        if picture is None:
            return Evidence((), 0.0, self.floor(model))
        scores = sentence_scores(model.sentence, picture.rows)
        row = question_features(picture.asked, picture.rows, scores, picture.found, language)
        ranked = tuple(
            replace(picture.found[i], score=float(scores[i]))
            for i in np.argsort(-scores, kind="stable")
        )
        unknown = tuple(w.text for w in picture.asked.unknown())
        probability = self._weights.question.probability(row)
        return Evidence(
            ranked,
            with_prior(probability, self.answerable),
            self.floor(model),
            unknown,
        )

    def floor(self, model: LanguageWeights) -> float:
        """The probability, 0..1, below which a question of this language is not answered."""
        return self._floor or with_prior(model.floor, self.answerable)

    def picture(
        self,
        question: str,
        vector: Vectors,
        passages: Sequence[Passage],
        language: str,
        context: str = "",
    ) -> Picture | None:
        """None when the passages have no sentence."""
        found = tuple(s for passage in passages for s in split(passage))
        if not found:
            return None
        counts, total = self._counts(question)
        asked = take_apart(question, context, _idf(question, counts, total), frozenset(counts))
        cosines = (self._vectors(found) @ vector[0]).astype(np.float64)
        query = f"{context} {question}".strip()
        read = self._readings.scores(query, found)
        own = self._read_in(language, query, found, read)
        return Picture(asked, found, sentence_features(asked, found, cosines, read, own))

    def _read_in(
        self, language: str, query: str, found: Sequence[Sentence], read: Floats
    ) -> Floats:
        """(len(found),) log-odds by the reader of the question's language, where there is one and
        the passage is in it; elsewhere as `read`."""
        here = [i for i, s in enumerate(found) if s.passage.language == language == "en"]
        if self._english is None or not here:
            return read
        own = read.copy()
        own[here] = self._english.scores(query, [found[i] for i in here])
        return own

    def _counts(self, question: str) -> tuple[dict[str, int], int]:
        """In how many listed chunks each known term of the question stands; their number."""
        forms = {t for word in content_words(question) for form in word.forms for t in form}
        wanted = sorted(forms | set(query_terms(question)))
        counts = document_counts(self._db, wanted)
        total = next(iter(self._db.here.execute("SELECT count(*) FROM keywords_docsize")))[0]
        return counts, total

    def warm(self) -> None:
        """Grow the trees and load the word lists ahead of the first question."""
        if self._weights is not None:
            self._weights.question.warm()
        self._readings.warm()
        if self._english:
            self._english.warm()
        content_words("warm 热身")

    def prepare(self, passages: Sequence[Passage]) -> None:
        """Read these passages and embed their sentences ahead of the first question."""
        found = [s for passage in passages for s in split(passage)]
        if found:
            self._vectors(found)
            self._readings.of(passages)
            if self._english:
                self._english.of([p for p in passages if p.language == "en"])

    def _vectors(self, found: Sequence[Sentence]) -> Vectors:
        """(len(found), d); missing ones are embedded and stored."""
        stored = self._stored({s.passage.id for s in found})
        missing = [s for s in found if (s.passage.id, s.position) not in stored]
        if missing:
            fresh = self._embedder.passages([in_context(s) for s in missing])
            keys = [(s.passage.id, s.position) for s in missing]
            name = self._embedder.name
            rows = [(*key, name, v.tobytes()) for key, v in zip(keys, fresh, strict=True)]
            self._db.spare(
                # EXISTS: the document may have been removed meanwhile.
                lambda db: db.conn.executemany(
                    "INSERT OR REPLACE INTO sentences SELECT ?1, ?2, ?3, ?4 "
                    "WHERE EXISTS (SELECT 1 FROM chunks WHERE id = ?1)",
                    rows,
                )
            )
            stored |= dict(zip(keys, fresh, strict=True))
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


def sentence_scores(model: Logistic, rows: Floats) -> Floats:
    """(n, sentence features) to (n,), 0..1. Asked about E2, a sentence on E5 is noise, however
    close its meaning."""
    other = rows[:, COLUMN["other_identifier"]] > 0
    scores: Floats = model.probability(rows) * np.where(other, OTHER, 1.0)
    return scores


def with_prior(probability: float, answerable: float) -> float:
    """A probability that was fitted as if every second question could be answered, for a desk where
    `answerable` of them can (Saerens et al. 2002). It keeps its order, so floors move with it."""
    odds = answerable / (1 - answerable)
    return probability * odds / (probability * odds + 1 - probability)


def in_context(sentence: Sentence) -> str:
    """What is embedded for a sentence: where it stands, and itself."""
    passage = sentence.passage
    if passage.kind == "faq":
        return passage.text
    head = above(sentence)
    return f"{head}\n{sentence.text}" if head else sentence.text


def _idf(question: str, counts: dict[str, int], total: int) -> dict[str, float]:
    """Inverse document frequency, as in BM25, of each of the question's terms."""
    return {
        t: math.log(1 + (total - counts.get(t, 0) + 0.5) / (counts.get(t, 0) + 0.5))
        for t in query_terms(question)
    }
