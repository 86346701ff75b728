"""Fits the evidence weights and floors on labelled questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from knowledge.errors import KnowledgeError
from knowledge.evidence import EvidenceScorer, Sentence, question_features, split
from knowledge.types import Embedder, Passage
from knowledge.weights import Floats, LanguageWeights, Logistic, Weights

FOLDS = 8
FEWEST = 20  # answerable and unanswerable questions each, below which a fit means nothing
Search = Callable[[str], Sequence[Passage]]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question with what must be found for it; facts: alternatives per required fact."""

    query: str
    language: str
    answerable: bool
    documents: tuple[str, ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A labelled question with the features of everything found for it."""

    labelled: Labelled
    sentences: tuple[Sentence, ...]
    rows: Floats  # (sentences, features)
    labels: npt.NDArray[np.bool_]  # (sentences,) True where the sentence holds a required fact


def fit(
    labelled: Sequence[Labelled], scorer: EvidenceScorer, embedder: Embedder, search: Search
) -> Weights:
    """Weights for each language with enough labels, and "any" from all of them.

    Raises KnowledgeError with fewer than FEWEST answerable or unanswerable questions.
    """
    cases = [case for one in labelled if (case := _case(one, scorer, embedder, search))]
    languages = {"any": _fit(cases)}
    for name in sorted({one.language.split("-")[0] for one in labelled}):
        own = [c for c in cases if c.labelled.language.split("-")[0] == name]
        if min(sum(c.labelled.answerable for c in own), sum(not c.labelled.answerable for c in own)) >= FEWEST:
            languages[name] = _fit(own)
    return Weights(embedder.name, languages)


def _case(
    one: Labelled, scorer: EvidenceScorer, embedder: Embedder, search: Search
) -> Case | None:
    found = [s for passage in search(one.query) for s in split(passage)]
    if not found:
        return None
    rows = scorer.sentence_features(one.query, embedder.queries([one.query]), found)
    labels = np.array([_relevant(s, one) for s in found])
    return Case(one, tuple(found), rows, labels)


def _relevant(sentence: Sentence, one: Labelled) -> bool:
    return sentence.passage.document in one.documents and any(
        holds(sentence.text, fact) for fact in one.facts
    )


def _model() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000))


def _fit(cases: Sequence[Case]) -> LanguageWeights:
    """Sentence scores that enter the question model come from folds that did not see the question."""
    answerable = [c for c in cases if c.labels.any()]
    sentence = _model().fit(
        np.concatenate([c.rows for c in answerable]), np.concatenate([c.labels for c in answerable])
    )
    rows = _question_rows(cases)
    labels = np.array([c.labelled.answerable for c in cases])
    folds = GroupKFold(FOLDS)
    groups = np.arange(len(cases))
    unseen = cross_val_predict(
        _model(), rows, labels, groups=groups, cv=folds, method="predict_proba"
    )[:, 1]
    question = _model().fit(rows, labels)
    return LanguageWeights(_plain_model(sentence), _plain_model(question), _floor(unseen, labels))


def _question_rows(cases: Sequence[Case]) -> Floats:
    """(cases, question features), each from a sentence model fitted without that case's fold."""
    rows = [np.empty(0)] * len(cases)
    for train, test in GroupKFold(FOLDS).split(np.arange(len(cases)), groups=np.arange(len(cases))):
        seen = [cases[i] for i in train if cases[i].labels.any()]
        model = _plain_model(
            _model().fit(np.concatenate([c.rows for c in seen]), np.concatenate([c.labels for c in seen]))
        )
        for i in test:
            scores = model.probability(cases[i].rows)
            order = np.argsort(-scores, kind="stable")
            ranked = [cases[i].sentences[j] for j in order]
            rows[i] = question_features(cases[i].rows[order], scores[order], ranked)
    return np.stack(rows)


def _plain_model(fitted: Any) -> Logistic:
    scaler, model = fitted.steps[0][1], fitted.steps[1][1]
    return Logistic(
        tuple(map(float, scaler.mean_)),
        tuple(map(float, scaler.scale_)),
        tuple(map(float, model.coef_[0])),
        float(model.intercept_[0]),
    )


def _floor(probabilities: Floats, answerable: npt.NDArray[np.bool_]) -> float:
    """Where the worse of "answered of the answerable" and "abstained of the others" is best."""
    candidates = np.unique(probabilities)
    worst = [
        min((probabilities[answerable] >= c).mean(), (probabilities[~answerable] < c).mean())
        for c in candidates
    ]
    return round(float(candidates[int(np.argmax(worst))]), 4)


def holds(text: str, fact: Sequence[str]) -> bool:
    """Whether one of the accepted spellings stands in the text; case and spaces do not count."""
    flat = plain(text)
    return any(plain(spelling) in flat for spelling in fact)


def plain(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()
