"""Replies whose amounts are not those of the documents: a price that has changed, a planted one.

An amount of a reply contradicts when a clause of the documents is about the same, has an amount
in the same unit, and the reply's stands nowhere in what was found, nor in what the customer wrote.
"About the same" is the share of the clause's words, by rarity, that stand in the other and its
headings; less is asked where the documents clearly answer the customer's question. Thresholds were
set on the sample transcripts (benchmarks/contradiction.py prints what is found and what is not).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chatbot.grounding import figures
from chatbot.support import rarity
from finetune.documents import Documents
from finetune.pairs import Pair
from finetune.quantities import Quantity, quantities
from knowledge.features import parts
from knowledge.keywords import terms
from knowledge.split import sentences
from knowledge.types import Passage

RESTATES = 0.6  # share of a clause's words from which it says what the documents' clause says
ANSWERS = 0.4  # the same where the documents answer the question (above the evidence floor)
LEAST_WORDS = 2  # of a clause that is compared alone; "plus $12" is compared with its sentence
CLAUSE = re.compile(r"(?<=[，,;；。])(?!\d)|\b(?:and|but|plus)\b")
SUM = re.compile(  # what is worked out for one customer stands in no document
    r"\d\D{0,3}[+＋×*=]\D{0,3}\d|\b(?:sum|sub-?total|total|altogether|together|difference)\b"
    r"|一共|总共|合计|共计|加起来|总计|小计|差额",
    re.IGNORECASE,
)
DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Conflict:
    """An amount of a reply, and what the documents say instead."""

    said: str  # the amount
    stated: str  # the documents' sentence
    document: str  # its path

    def __str__(self) -> str:
        return f"{self.said}, but {self.document} says: {self.stated}"


@dataclass(slots=True)
class Contradictions:
    """Compares rows with the documents, and counts those that could be compared."""

    documents: Documents
    compared: int = 0  # rows with an amount that the documents state or contradict

    def __call__(self, rows: Sequence[Pair]) -> dict[int, str]:
        """Number of each row that contradicts, with the reason for people."""
        found = {}
        for number, pair in enumerate(rows):
            stated, conflict = _judged(pair, self.documents)
            self.compared += stated or conflict is not None
            if conflict is not None:
                found[number] = str(conflict)
        return found


def _judged(pair: Pair, documents: Documents) -> tuple[bool, Conflict | None]:
    """Whether the documents state an amount of the reply, and the first that they contradict."""
    before = [pair.question, *(message.text for message in pair.history)]
    own = [quantity for text in before for quantity in quantities(text)]
    stated, answering = False, None
    for sentence in sentences(pair.reply):
        claims = _claims(sentence, " ".join(before))
        if not claims:
            continue
        found = documents.search(sentence)
        known = _all(found)
        stated = stated or any(_among(q, known) for _, q in claims)
        open_ = [(clause, q) for clause, q in claims if not _among(q, [*known, *own])]
        if not open_:
            continue
        if answering is None:  # the costly part, for few rows
            evidence = documents.evidence(pair)
            read = {s.passage.id: s.passage for s in evidence.sentences}
            answering = (tuple(read.values()), evidence.enough)
        passages, enough = answering
        known = [*known, *own, *_all(passages)]
        for clause, quantity in open_:
            if _among(quantity, known):
                stated = True
            elif conflict := _conflict(clause, quantity, found, passages if enough else ()):
                return True, conflict
    return stated, None


def _claims(sentence: str, before: str) -> list[tuple[str, Quantity]]:
    """Amounts with the clause to compare; none that are worked out from the customer's own."""
    if not quantities(sentence) or SUM.search(sentence):
        return []
    given = figures(before)
    found = []
    for clause in _clauses(sentence):
        mine = figures(clause)
        if len(mine) > 1 and mine & given:
            continue
        compared = clause if len(_words(clause)) >= LEAST_WORDS else sentence
        found += [(compared, quantity) for quantity in quantities(clause)]
    return found


def _conflict(
    clause: str, quantity: Quantity, found: Sequence[Passage], answering: Sequence[Passage]
) -> Conflict | None:
    """The clause of the documents that says most nearly the same with another amount."""
    answers = {passage.id for passage in answering}
    best: tuple[float, Conflict] | None = None
    for passage in {p.id: p for p in (*found, *answering)}.values():
        least = ANSWERS if passage.id in answers else RESTATES
        for part in parts(passage):
            for other in _clauses(part):
                if not any(q.unit == quantity.unit for q in quantities(other)):
                    continue
                alike = _alike(clause, f"{passage.title} {passage.heading} {other}")
                if alike >= least and (best is None or alike > best[0]):
                    best = alike, Conflict(quantity.text, part.strip(), passage.document)
    return best[1] if best else None


def _alike(clause: str, other: str) -> float:
    """0..1, share of the clause's words, by rarity, that the other has too."""
    weights = {word: rarity(word) for word in _words(clause)}
    theirs = _words(other)
    return sum(w for word, w in weights.items() if word in theirs) / (sum(weights.values()) or 1)


def _words(text: str) -> set[str]:
    return {term for term in terms(text) if not DIGIT.search(term)}


def _clauses(sentence: str) -> list[str]:
    return [clause for clause in CLAUSE.split(sentence) if clause.strip()]


def _all(passages: Iterable[Passage]) -> list[Quantity]:
    return [q for p in passages for q in quantities(f"{p.title}\n{p.heading}\n{p.text}")]


def _among(quantity: Quantity, known: Iterable[Quantity]) -> bool:
    return any(quantity.within(one) for one in known)
