"""Fits the evidence models and floors on labelled questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from knowledge.errors import KnowledgeError
from knowledge.evidence import EvidenceScorer, Picture, sentence_scores
from knowledge.features import Sentence, question_features
from knowledge.types import Passage, Vectors
from knowledge.weights import (
    Floats,
    Forest,
    LanguageWeights,
    Logistic,
    Weights,
    grow,
    reliability,
)

FOLDS = 8
BINS = 10  # of the reliability curve, with as many questions each
FEWEST = 20  # answerable and unanswerable questions each, below which a fit means nothing
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question with what must be found for it; facts: alternatives per required fact."""

    question: str
    context: str  # the earlier turn that it leans on, or ""
    language: str
    answerable: bool
    documents: tuple[str, ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()
    before: tuple[tuple[str, float], ...] = ()  # what was said before, as KnowledgeBase.search()

    @property
    def query(self) -> str:
        return f"{self.context} {self.question}".strip()


# The vector of what is asked, with what it leans on, and what is found for it.
Search = Callable[[Labelled], tuple[Vectors, Sequence[Passage]]]


@dataclass(frozen=True, slots=True)
class Case:
    """A labelled question with everything found for it."""

    labelled: Labelled
    picture: Picture
    holds: Bools  # (sentences,) True where the sentence holds a required fact

    @property
    def family(self) -> str:
        return self.labelled.language.split("-")[0]


@dataclass(frozen=True, slots=True)
class Report:
    """How well the fit does on questions that it did not see, per language."""

    language: str
    questions: int
    auroc: float  # 0.5..1, answerable against unanswerable
    answered: float  # share of the answerable at or above the floor
    abstained: float  # share of the unanswerable below it
    best_sentence: float  # share of the answerable whose best sentence holds a fact
    error: float  # expected calibration error, 0..1


def fit(
    labelled: Sequence[Labelled], scorer: EvidenceScorer, embedder: str, search: Search
) -> tuple[Weights, list[Report]]:
    """Weights for each language with enough labels and "any" from all, with held-out measures.

    Raises KnowledgeError with fewer than FEWEST answerable or unanswerable questions.
    """
    _check_enough([one.answerable for one in labelled], "questions")
    cases = [case for one in labelled if (case := _case(one, scorer, search))]
    labels = np.array([case.labelled.answerable for case in cases], bool)
    _check_enough(labels.tolist(), "questions for which a passage is found")
    families = sorted(
        family
        for family in {case.family for case in cases}
        if _fewer(labels[[case.family == family for case in cases]].tolist()) >= FEWEST
    )
    unseen, rows, best = _unseen(cases, families)
    languages, reports = {}, []
    for name in ["any", *families]:
        own = np.array([name in ("any", case.family) for case in cases])
        floor = _floor(unseen[own], labels[own])
        languages[name] = LanguageWeights(
            _sentence_model([c for c in cases if name in ("any", c.family)]),
            floor,
            reliability(unseen[own], labels[own], BINS),
            np.sort(unseen[own & labels]),
            np.sort(unseen[own & ~labels]),
        )
        error = languages[name].error or 0.0
        reports.append(_report(name, unseen[own], labels[own], best[own], floor, error))
    return Weights(embedder, languages, Forest(rows, labels)), reports


def _fewer(answerable: Sequence[bool]) -> int:
    """How many there are of the rarer kind."""
    return min(sum(answerable), len(answerable) - sum(answerable))


def _check_enough(answerable: Sequence[bool], what: str) -> None:
    if _fewer(answerable) < FEWEST:
        raise KnowledgeError(
            f"There are {sum(answerable)} answerable and {len(answerable) - sum(answerable)} "
            f"unanswerable {what}; at least {FEWEST} of each are needed to calibrate."
        )


def _case(one: Labelled, scorer: EvidenceScorer, search: Search) -> Case | None:
    vector, passages = search(one)
    picture = scorer.picture(one.question, vector, passages, one.language, one.context)
    if picture is None:
        return None
    return Case(one, picture, np.array([_relevant(s, one) for s in picture.found]))


def _relevant(sentence: Sentence, one: Labelled) -> bool:
    return sentence.passage.document in one.documents and any(
        holds(sentence.text, fact) for fact in one.facts
    )


def _unseen(cases: Sequence[Case], families: Sequence[str]) -> tuple[Floats, Floats, Bools]:
    """Probability, features, and whether the best sentence holds a fact, for each question,
    from models that were fitted without its fold; families with few questions share one."""
    names = [case.family if case.family in families else "any" for case in cases]
    fold = np.random.default_rng(0).integers(0, FOLDS, len(cases))
    rows: list[Floats] = [np.empty(0)] * len(cases)
    best = np.zeros(len(cases), bool)
    for held_out, name in product(range(FOLDS), sorted(set(names))):
        mine = [i for i in np.flatnonzero(fold == held_out).tolist() if names[i] == name]
        seen = [case for case, f in zip(cases, fold, strict=True) if f != held_out]
        if mine:
            model = _sentence_model([c for c in seen if name in ("any", c.family)])
        for i in mine:
            rows[i], best[i] = _picture_row(cases[i], model)
    stacked = np.stack(rows)
    labels = np.array([case.labelled.answerable for case in cases])
    unseen = np.zeros(len(cases))
    for held_out in range(FOLDS):
        trees = grow(stacked[fold != held_out], labels[fold != held_out])
        unseen[fold == held_out] = trees.predict_proba(stacked[fold == held_out])[:, 1]
    return unseen, stacked, best


def _picture_row(case: Case, model: Logistic) -> tuple[Floats, bool]:
    picture = case.picture
    scores = sentence_scores(model, picture.rows)
    row = question_features(
        picture.asked, picture.rows, scores, picture.found, case.labelled.language
    )
    return row, bool(case.holds[int(np.argmax(scores))])


def _sentence_model(cases: Sequence[Case]) -> Logistic:
    """From the answerable questions whose fact was found at all."""
    used = [case for case in cases if case.holds.any()]
    if not used:
        raise KnowledgeError(
            "No required fact of the labelled questions stands in the passages that are found. "
            "Check that the questions belong to these documents."
        )
    fitted: Any = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000)).fit(
        np.concatenate([case.picture.rows for case in used]),
        np.concatenate([case.holds for case in used]),
    )
    scaler, model = fitted.steps[0][1], fitted.steps[1][1]
    return Logistic(scaler.mean_, scaler.scale_, model.coef_[0], float(model.intercept_[0]))


def _floor(probabilities: Floats, answerable: Bools) -> float:
    """Where the worse of "answered of the answerable" and "abstained of the others" is best."""
    candidates = np.unique(probabilities)
    worst = [
        min((probabilities[answerable] >= c).mean(), (probabilities[~answerable] < c).mean())
        for c in candidates
    ]
    return round(float(candidates[int(np.argmax(worst))]), 4)


def _report(
    language: str, unseen: Floats, answerable: Bools, best: Bools, floor: float, error: float
) -> Report:
    return Report(
        language,
        len(unseen),
        round(float(roc_auc_score(answerable, unseen)), 3),
        round(float((unseen[answerable] >= floor).mean()), 3),
        round(float((unseen[~answerable] < floor).mean()), 3),
        round(float(best[answerable].mean()), 3),
        round(error, 3),
    )


def holds(text: str, fact: Sequence[str]) -> bool:
    """Whether one of the accepted spellings stands in the text; case and spaces do not count."""
    flat = plain(text)
    return any(plain(spelling) in flat for spelling in fact)


def plain(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()
