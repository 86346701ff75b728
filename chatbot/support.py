"""How far passages support a reply, as one number: for people, gates and comparisons.

Each sentence of the reply is compared with one and two sentences in a row of the passages. Rare
words weigh more than common ones (their Zipf frequency), pairs of neighbouring words more than
single ones, and what stands nowhere in the passages counts by its mass: three rare words that are
missing are worse in a long sentence too. A figure that is missing, a negation that is turned and a
turned condition (before, after) end it, as in grounding.py. The weights were set by hand on pairs
from our sample pages. The cosine of the packaged e5 was tried as one more part: it changed nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

import numpy as np
from wordfreq import zipf_frequency

from chatbot.grounding import abstains, figures, turned
from knowledge.keywords import terms
from knowledge.split import sentences

COMMONEST = 7.5  # Zipf frequency (log10 per billion words) of the commonest words
LEAST = 0.2  # weight of a word, at least: "the" counts little, but counts
PLACE, ANYWHERE, PAIRS, MISSING, OWN, ASKS = 1.0, 1.0, 0.5, 1 / 40, 0.2, 0.3
MIDDLE, STEEP = 1.7, 4.0  # of the logistic curve
BROKEN = 0.8  # taken off where a figure, a negation or a condition does not fit
NEAR = 0.1  # sentences this much below the best may also be what is meant
SAME = 0.8  # share of the words from which a turned negation is one, and not another sentence's
NOTHING = 0.5  # of a reply that claims nothing: neither supported nor not
SUPPORTED = 0.7  # from here on a reply counts as supported
WORST = 0.25  # weight of the worst sentence beside the mean of all
CJK = re.compile(r"[\u3400-\u9fff]")
TOKEN = re.compile(r"[a-z0-9]+(?:['’][a-z]+)?|[\u3400-\u9fff]")
SPEAKER = re.compile(r"\b(?:i|i'm|i've|my|me|we|our|mine)\b|我(?!们)", re.IGNORECASE)
ASKING = re.compile(r"[?？]\s*$")
NEGATOR = re.compile(r"not|no|never|without|neither|nor|[不没無无未非勿别]")
DIGIT = re.compile(r"\d")
SMALL = 4  # words or characters of one change
POLITE = re.compile(
    r"^(?:(?:您好|你好|亲|是的|好的|对的|没错|当然(?:可以)?|hi|hello|hey|yes|sure|of course"
    r"|certainly|good question|great question)[,，。!！：:~～ ]+)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of a reply beside the passages."""

    text: str
    place: float  # 0..1, share of its words, by rarity, in the best one or two sentences
    anywhere: float  # 0..1, the same anywhere in the passages
    pairs: float  # 0..1, share of its pairs of words that stand so in the passages
    missing: float  # sum of the rarities of words that stand nowhere
    problem: str  # "" or why it cannot be supported
    weight: int  # words

    @property
    def sum(self) -> float:
        """Without bounds; MIDDLE is even."""
        return (
            PLACE * self.place
            + ANYWHERE * self.anywhere
            + PAIRS * self.pairs
            - MISSING * self.missing
            - OWN * bool(SPEAKER.search(self.text))
            - ASKS * bool(ASKING.search(self.text))
            - BROKEN * bool(self.problem)
        )

    @property
    def score(self) -> float:
        """0..1."""
        return _curve(self.sum)


class Evidence:
    """Passages taken apart once."""

    def __init__(self, passages: Sequence[str]) -> None:
        self._parts = [s for p in passages for s in sentences(p)] or [""]
        self._text = " ".join(self._parts)
        self._windows = [*self._parts, *(f"{a} {b}" for a, b in pairwise(self._parts))]
        self._terms = [frozenset(terms(window)) for window in self._windows]
        self._all = frozenset().union(*self._terms)
        self._pairs = {pair for p in passages for pair in pairwise(_tokens(p))}

    def claims(self, reply: str) -> list[Claim]:
        """The sentences of a reply that say anything; [] when none does."""
        reply = POLITE.sub("", reply)
        return [self._claim(s) for s in sentences(reply) or [reply] if terms(s)]

    def _claim(self, text: str) -> Claim:
        weights = {term: rarity(term) for term in terms(text)}
        total = sum(weights.values())
        shares = [sum(w for t, w in weights.items() if t in own) / total for own in self._terms]
        alone = shares[: len(self._parts)]  # a neighbour brings its own "can" and "not"
        same = max(alone) >= SAME
        near = [
            p for p, share in zip(self._parts, alone, strict=True) if share >= max(alone) - NEAR
        ]
        problems = [_problem(text, part, self._text, same) for part in near]
        known = sum(w for t, w in weights.items() if t in self._all)
        own_pairs = list(pairwise(_tokens(text)))
        return Claim(
            text=text,
            place=max(shares),
            anywhere=known / total,
            pairs=sum(p in self._pairs for p in own_pairs) / (len(own_pairs) or 1),
            missing=total - known,
            problem="" if "" in problems else problems[0],
            weight=len(weights),
        )


def support(evidence: Sequence[str], reply: str) -> tuple[float, list[Claim]]:
    """0..1, how far the passages support the reply, and its sentences.

    A reply that claims nothing, or only that it does not know, is NOTHING.
    """
    claims = Evidence(evidence).claims(reply)
    return overall(claims), claims


def overall(claims: Sequence[Claim]) -> float:
    """0..1: the mean of the claims by their length, and the worst of them."""
    if all(abstains(claim.text) for claim in claims):
        return NOTHING
    sums = np.array([claim.sum for claim in claims])
    mean = float(np.average(sums, weights=[claim.weight for claim in claims]))
    return _curve((1 - WORST) * mean + WORST * float(sums.min()))


def _curve(value: float) -> float:
    return 1 / (1 + math.exp(-STEEP * (value - MIDDLE)))


@lru_cache(maxsize=50_000)
def rarity(term: str) -> float:
    """LEAST..COMMONEST, from how rare the word (or pair of Chinese characters) is."""
    language = "zh" if CJK.search(term) else "en"
    return max(LEAST, COMMONEST - float(zipf_frequency(term, language)))


def containment(evidence: Sequence[str], reply: str) -> float:
    """Share of the reply's words that stand in the passages: what everything is compared with."""
    own, there = _tokens(reply), {t for p in evidence for t in _tokens(p)}
    return sum(t in there for t in own) / (len(own) or 1)


def _problem(text: str, window: str, everything: str, same: bool) -> str:
    """`same`: nearly all words are in the window, so that a difference is a change of it."""
    missing = sorted(figures(text) - figures(window if same else everything))
    if missing:
        return f"{missing[0]} is not in the passages"
    return changed(text, window) if same else ""


def changed(text: str, window: str) -> str:
    """ "" or which small change of the window turns its meaning: a negation, an opposite.

    Long parts that are left out or added are other statements, not changes.
    """
    mine, theirs = _pieces(text), _pieces(window)
    added, removed, more, less = [], [], 0, 0
    for kind, a, b, c, d in SequenceMatcher(None, theirs, mine, autojunk=False).get_opcodes():
        if kind != "equal" and max(b - a, d - c) <= SMALL:
            more += sum(bool(NEGATOR.fullmatch(piece)) for piece in mine[c:d])
            less += sum(bool(NEGATOR.fullmatch(piece)) for piece in theirs[a:b])
            numbers = {p for p in mine[c:d] if DIGIT.search(p)}
            before = {p for p in theirs[a:b] if DIGIT.search(p)}
            if before and numbers - before:
                return f"{min(numbers - before)} stands where the passage has {min(before)}"
            added.append(_around(mine, c, d))
            removed.append(_around(theirs, a, b))
    if more != less:
        return "negates where the passage does not, or the reverse"
    return next((t for pair in zip(added, removed, strict=True) if (t := turned(*pair))), "")


def _around(pieces: Sequence[str], start: int, end: int) -> str:
    """With a neighbour on each side: 内 alone is no word, 以内 is."""
    part = pieces[max(start - 1, 0) : end + 1]
    return "".join(part) if any(map(CJK.match, part)) else " ".join(part)


def _pieces(text: str) -> list[str]:
    """Words, and Chinese characters, with n't as not."""
    return TOKEN.findall(re.sub(r"n['’]t\b", " not", text.lower().replace("cannot", "can not")))


def _tokens(text: str) -> list[str]:
    return TOKEN.findall(text.lower())
