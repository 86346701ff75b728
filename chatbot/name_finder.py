"""Finds the names of a list in what customers write: other spellings, slips, both scripts.

A name counts as a whole, whatever its case, accents, blanks and script (Simplified, Traditional).
Read as meant are: one slip in a word of five letters or more that is no everyday word (optimal
string alignment), a plural, words written together or apart, a Chinese name in pinyin, and Chinese
characters of the same sound where they make no word of their own. Anything with a digit counts only
as it is listed: K1 is no slip for K2. What two names explain equally well is left alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from math import prod
from typing import Literal, NamedTuple

import jieba
from rapidfuzz.distance import OSA
from wordfreq import zipf_frequency

from knowledge.language import simplify
from knowledge.spelling import ALONE, COMMON, real_word, sound_of

Kind = Literal["product", "place"]
LOOKED_AT = 1_000  # characters of a message
SHORTEST_FUZZY = 5  # letters, from which one of them may be wrong
KNOWN = 2.0  # Zipf frequency from which a word is what it is; "hangzou" has 0, "payee" 2.8
SHORTEST_JOINED = 5  # letters, from which blanks do not count; K-2 counts, "in k" does not
SHORTEST_SOUND = 3  # characters, from which some may be others of the same sound; 盖完 is no 盖碗
SHORTEST_PINYIN = 6  # letters of a Chinese name in pinyin
MOST_JOINED = 4  # words that may have been written apart
MOST_READINGS = 64  # of one stretch of words
EVERYDAY = 4.0  # Zipf frequency from which a word counts with its capital only, if listed with one
AROUND = 12  # characters on both sides that tell where a Chinese word ends
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
HAN = re.compile(f"[{_HAN}]")
UNIT = re.compile(rf"([{_HAN}])|[^\W_{_HAN}](?:[^\W_{_HAN}]|[\u0300-\u036f])*")
GAP = re.compile(r"[ \u3000\-–_·'’‘“”\"「」『』()（）《》]{0,3}")  # within a name; others end it
PLACEHOLDER = re.compile(r"\[[A-Z_]+_\d+\]")  # of chatbot/masking.py


@dataclass(frozen=True, slots=True)
class Name:
    """One product or place, and how else it is written."""

    kind: Kind
    name: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A name in a text."""

    start: int  # in the text
    end: int
    text: str  # as written
    name: Name
    exact: bool  # as listed, but for case, accents, blanks and script


class Unit(NamedTuple):  # a tuple: a message has hundreds
    """A word, a number, or one Chinese character of a text."""

    form: str  # as it is compared
    start: int
    end: int
    han: bool


def units(text: str) -> list[Unit]:
    """In the order of the text."""
    plain = simplify(text)  # which keeps the length
    return [
        Unit(m[1], m.start(), m.end(), True)
        if m[1]
        else Unit(_folded(m[0]), m.start(), m.end(), False)
        for m in UNIT.finditer(plain)
    ]


def key(spelling: str) -> str:
    """What two spellings of one name have in common; "" without letters and digits."""
    return "".join(unit.form for unit in units(spelling))


class NameFinder:
    """Reads texts with one list of names."""

    def __init__(self, names: Sequence[Name]) -> None:
        """Takes under a second for 5,000 names with two spellings each."""
        self._listed: dict[str, Name] = {}  # by key
        self._capital: set[str] = set()  # keys that count with a capital letter only
        self._joined: dict[str, Name] = {}  # without blanks, and in pinyin
        self._sounding: defaultdict[str, set[str]] = defaultdict(set)  # sounds → keys
        self._lengths: defaultdict[str, set[int]] = defaultdict(set)  # first unit → units
        self._sound_lengths: defaultdict[tuple[str, str], set[int]] = defaultdict(set)  # of two
        self._words: set[str] = set()
        self._near: defaultdict[str, set[str]] = defaultdict(set)  # a letter less → words
        for name in names:
            for spelling in (name.name, *name.also):
                self._add(name, spelling)
        for word in filter(_fuzzy, self._words):
            for shorter in _shorter(word):
                self._near[shorter].add(word)

    def found(self, text: str) -> list[Found]:
        """The names in a masked text, in order; of overlapping ones the longest."""
        if not self._listed:
            return []
        text = PLACEHOLDER.sub(lambda m: "\n" * len(m[0]), text[:LOOKED_AT])
        every: list[Found] = []
        for run in _runs(text):
            every += self._as_words(text, run)
            every += self._together(text, run)
            every += self._by_sound(text, run)
        return _chosen(every)

    def _add(self, name: Name, spelling: str) -> None:
        parts = units(spelling)
        if not parts:
            return
        forms, han = [part.form for part in parts], [part.han for part in parts]
        own = " ".join(forms)
        self._listed.setdefault(own, name)
        self._lengths[forms[0]].add(len(forms))
        self._words.update(form for form, chinese in zip(forms, han, strict=True) if not chinese)
        if len(forms) == 1 and spelling[:1].isupper() and zipf_frequency(own, "en") >= EVERYDAY:
            self._capital.add(own)
        if not any(han):
            self._joined.setdefault("".join(forms), name)
        elif sum(han) > 1:
            sounds = _sounds(parts)
            if sum(han) >= SHORTEST_SOUND:
                self._sounding[" ".join(sounds)].add(own)
                self._sound_lengths[sounds[0], sounds[1]].add(len(sounds))
            pinyin = "".join(sounds)
            everyday = zipf_frequency(pinyin, "en") >= COMMON  # chang'e is no "change"
            if all(han) and len(pinyin) >= SHORTEST_PINYIN and not everyday:
                self._joined.setdefault(pinyin, name)

    def _as_words(self, text: str, run: Sequence[Unit]) -> Iterator[Found]:
        """Word for word; each may have a slip."""
        readings = [(p.form,) if p.han else self._readings(p.form) for p in run]
        for i, firsts in enumerate(readings):
            lengths = self._lengths
            if len(firsts) == 1 and firsts[0] not in lengths:  # mostly
                continue
            for length in {n for first in firsts for n in lengths.get(first, ())}:
                words, window = readings[i : i + length], run[i : i + length]
                if len(window) < length or prod(map(len, words)) > MOST_READINGS:
                    continue
                for forms in product(*words):
                    own = " ".join(forms)
                    name = self._listed.get(own)
                    if name and self._counts(text, window, own):
                        exact = all(map(_same, window, forms))
                        yield _found(text, window, name, exact)

    def _readings(self, form: str) -> tuple[str, ...]:
        """The listed words that a word of a text may be; itself when it is none of these."""
        if form in self._words:
            return (form,)
        if len(form) > 3 and form.endswith("s") and form[:-1] in self._words:
            return (form[:-1],)
        if not _fuzzy(form):
            return (form,)
        near = {w for shorter in _shorter(form) for w in self._near.get(shorter, ())}
        near = {w for w in near if w[0] == form[0] and OSA.distance(w, form, score_cutoff=1) <= 1}
        return tuple(sorted(near)) if near and zipf_frequency(form, "en") < KNOWN else (form,)

    def _counts(self, text: str, window: Sequence[Unit], own: str) -> bool:
        if own in self._capital:
            return text[window[0].start].isupper()
        if len(window) == 2 and window[0].han and window[1].han:
            return not _torn(text, window[0].start, window[1].end)
        return True

    def _together(self, text: str, run: Sequence[Unit]) -> Iterator[Found]:
        """Words written together, or apart, and names in pinyin."""
        for i in range(len(run)):
            joined = ""
            for j in range(i, min(i + MOST_JOINED, len(run))):
                if run[j].han:
                    break
                joined += run[j].form
                name = self._joined.get(joined)
                if name is None or joined in self._capital:
                    continue
                if len(joined) >= SHORTEST_JOINED or _hyphened(text, run[i : j + 1]):
                    yield _found(text, run[i : j + 1], name, True)

    def _by_sound(self, text: str, run: Sequence[Unit]) -> Iterator[Found]:
        """Chinese names with characters of the same sound."""
        sounds = _sounds(run)
        for i, two in enumerate(pairwise(sounds)):
            for length in self._sound_lengths.get(two, ()):
                window = run[i : i + length]
                for own in self._sounding.get(" ".join(sounds[i : i + length]), ()):
                    if _slipped(text, window, own.split(" ")):
                        yield _found(text, window, self._listed[own], False)


def _runs(text: str) -> Iterator[list[Unit]]:
    """Stretches of units that may be one name: no comma or full stop between."""
    run: list[Unit] = []
    for unit in units(text):
        if run and not GAP.fullmatch(text, run[-1].end, unit.start):
            yield run
            run = []
        run.append(unit)
    if run:
        yield run


def _found(text: str, window: Sequence[Unit], name: Name, exact: bool) -> Found:
    start, end = window[0].start, window[-1].end
    return Found(start, end, text[start:end], name, exact)


def _chosen(every: Iterable[Found]) -> list[Found]:
    """The longest, exact ones first; a stretch that may be a slip for two names is left alone."""
    order = sorted(every, key=lambda f: (f.start - f.end, not f.exact, f.start))
    meant: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for one in order:
        if not one.exact:
            meant[one.start, one.end].add(one.name.name)
    kept: list[Found] = []
    for one in order:
        sure = one.exact or len(meant[one.start, one.end]) == 1
        if sure and all(one.end <= other.start or one.start >= other.end for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda f: f.start)


@cache
def _folded(unit: str) -> str:
    """Lower case, half-width, without accents."""
    parts = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", unit))
    return "".join(c for c in parts if not unicodedata.combining(c)).lower()


def _same(unit: Unit, form: str) -> bool:
    return unit.form in (form, f"{form}s")


def _fuzzy(word: str) -> bool:
    """Whether a letter of it may be wrong."""
    return len(word) >= SHORTEST_FUZZY and word.isascii() and word.isalpha()


def _shorter(word: str) -> Iterator[str]:
    """Itself, and without one of its letters: what words a slip apart have in common."""
    yield word
    for i in range(len(word)):
        yield word[:i] + word[i + 1 :]


def _hyphened(text: str, window: Sequence[Unit]) -> bool:
    """K-2: nothing but hyphens between."""
    return all(text[a.end : b.start] in ("-", "") for a, b in pairwise(window))


def _sounds(run: Sequence[Unit]) -> list[str]:
    """Pinyin without tones; what is not Chinese stays."""
    return [_sound(unit.form) if unit.han else unit.form for unit in run]


@cache
def _sound(character: str) -> str:
    return sound_of(character) or character


def _slipped(text: str, window: Sequence[Unit], listed: Sequence[str]) -> bool:
    """Whether a stretch that sounds like a listed name is a slip for it.

    It shares a character with the name, is no word of its own, and no word goes over its edge; a
    character that mostly stands alone (的, 了) is no slip.
    """
    pairs = [(unit.form, form) for unit, form in zip(window, listed, strict=True)]
    if any(unit.han != bool(HAN.match(form)) for unit, form in zip(window, listed, strict=True)):
        return False
    wrong = {written for written, form in pairs if written != form}
    shared = any(written == form and HAN.match(form) for written, form in pairs)
    if not wrong or not shared or wrong & ALONE:
        return False
    said = "".join(written for written, _ in pairs)
    return not real_word(said) and not _torn(text, window[0].start, window[-1].end)


def _torn(text: str, start: int, end: int) -> bool:
    """Whether a word of the dictionary goes over an edge: 上海|南站 of a listed 海南.

    A word that ends with the name, or has one character more, is about it: 西湖龙井, 杭州市.
    """
    left, right = max(0, start - AROUND), end + AROUND
    at = left
    for word in jieba.cut(simplify(text[left:right])):
        first, at = at, at + len(word)
        if first < end and at > start and not (start <= first and at <= end):
            about = (first == start and at == end + 1) or (at == end and first < start)
            if not about and real_word(word):
                return True
    return False
