"""Which language a document's text is in, and Traditional folded to Simplified Chinese."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.words import words

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
KANA = re.compile(r"[\u3040-\u30ff]")
HANGUL = re.compile(r"[\uac00-\ud7af]")
LETTER = re.compile(r"[^\W\d_]")
SAMPLE = 4_000  # characters that decide
SHORTEST = 60  # letters; below it the statistics of langdetect are guesses, see language()
ENGLISH = words("""
    the and with that this these those you your are from which they their been when what how it its
    should would
""")  # in nearly every English text, and in no other language
SURE = 0.1  # share of the words that are such; of English help pages .12 to .25
LIKELY = 0.03  # the same for a part of an English document, which may be a list or a table
FOREIGN = 0.02  # share of letters beyond a to z that names and symbols may have
WORD = re.compile(r"[a-z]+")
SMOOTHING = 0.5 / 10_000  # of an n-gram that a language does not have; langdetect's own
CJK_LANGUAGES = frozenset(["zh-Hans", "zh-Hant", "ja", "ko"])
_loading = Lock()  # the profiles take a second to read


@cache
def _simplified() -> dict[int, str]:
    """OpenCC's table: Traditional character → its most frequent Simplified form."""
    text = (files("opencc") / "dictionary" / "TSCharacters.txt").read_text(encoding="utf-8")
    pairs = (line.split("\t") for line in text.splitlines() if "\t" in line)
    return {ord(old): new.split(" ")[0] for old, new in pairs if len(old) == 1}


@cache
def _traditional() -> dict[str, list[str]]:
    """OpenCC's other table: Simplified character → its Traditional forms, most frequent first."""
    text = (files("opencc") / "dictionary" / "STCharacters.txt").read_text(encoding="utf-8")
    pairs = (line.split("\t") for line in text.splitlines() if "\t" in line)
    return {old: new.split(" ") for old, new in pairs}


@cache
def _only_simplified() -> frozenset[str]:
    """Simplified characters that Traditional does not write at all."""
    return frozenset(old for old, new in _traditional().items() if old not in new)


@cache
def _shared() -> frozenset[str]:
    """Simplified forms that Traditional has as characters of its own."""
    return frozenset(old for old, new in _traditional().items() if old in new)


def simplify(text: str) -> str:
    """Traditional characters replaced one by one; the length stays the same."""
    return text.translate(_simplified())


def language(text: str, default: str = "en") -> str:
    """zh-Hans, zh-Hant, ja, ko, or what langdetect says of long Latin and other texts.

    `default` for texts with no letters or too few to tell.
    """
    text = text[:SAMPLE]
    letters, han = len(LETTER.findall(text)), len(HAN.findall(text))
    if not letters:
        return default
    if len(KANA.findall(text)) > 0.2 * letters:
        return "ja"
    if len(HANGUL.findall(text)) > 0.3 * letters:
        return "ko"
    if han > 0.2 * letters:  # a Chinese word says as much as three Latin letters
        return _script(text, default)
    if letters < SHORTEST:
        return "en" if default in CJK_LANGUAGES else default
    if _surely_english(text, letters, LIKELY if default == "en" else SURE):
        return "en"
    return _statistical(text) or default


def _surely_english(text: str, letters: int, least: float) -> bool:
    """By its commonest words, at a hundredth of the time that the statistics take."""
    found = WORD.findall(text.lower())
    foreign = letters - sum(map(len, found))
    known = sum(word in ENGLISH for word in found)
    return foreign <= FOREIGN * letters and known >= least * max(len(found), 1)


def _script(text: str, default: str) -> str:
    """zh-Hant or zh-Hans by the characters that only one of them writes."""
    return script(text) or ("zh-Hant" if default == "zh-Hant" else "zh-Hans")


def script(text: str) -> str | None:
    """zh-Hant or zh-Hans by the characters that only one of them writes; None: it does not tell."""
    table, simple, shared = _simplified(), _only_simplified(), _shared()
    traditional = sum(1 for c in text if c not in shared and table.get(ord(c), c) != c)
    simplified = sum(1 for c in text if c in simple)
    if traditional == simplified:
        return None
    return "zh-Hant" if traditional > simplified else "zh-Hans"


def _statistical(text: str) -> str | None:
    """langdetect's naive Bayes over all n-grams of the text; None when it knows none of them.

    Its own detect() draws n-grams by chance until it is sure, 20 ms for a table or code, in which
    it never is; the sum over all of them takes 2 ms and gives the same answer every time.
    """
    factory, rows, table = _profiles()
    detector = factory.create()
    detector.append(text)
    detector.cleaning_text()
    grams = [rows[gram] for gram in detector._extract_ngrams()]
    if not grams:
        return None
    found: str = factory.langlist[int(table[grams].sum(axis=0).argmax())]
    return {"zh-cn": "zh-Hans", "zh-tw": "zh-Hant"}.get(found, found)


@cache
def _profiles() -> tuple[Any, dict[str, int], npt.NDArray[np.float32]]:
    """langdetect's factory; n-gram → row; (n-grams, languages) logarithms of their shares."""
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    with _loading:
        factory = DetectorFactory()
        factory.load_profile(PROFILES_DIRECTORY)
    shares = np.array(list(factory.word_lang_prob_map.values()), np.float32)
    rows = {gram: row for row, gram in enumerate(factory.word_lang_prob_map)}
    return factory, rows, np.log(shares + SMOOTHING)
