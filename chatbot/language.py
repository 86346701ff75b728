"""Which language a turn is in: script first, then a detector, then the session's language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

from knowledge.language import script

HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")
KANA = re.compile(r"[\u3040-\u30ff]")
HANGUL = re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
ARABIC = re.compile(r"[\u0600-\u06ff]")
LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
ENGLISH = re.compile(
    r"\b(?:the|an?|is|are|was|do|does|did|can|could|how|what|what's|when|where|why|which|who|my|i|i'm"
    r"|you|your|it|this|that|to|for|of|on|in|with|and|or|not|have|has|if|please|will|would|me)\b",
    re.IGNORECASE,
)
ALIKE = re.compile(r"[A-Za-z-]*\d[A-Za-z\d-]*|\bok\b", re.IGNORECASE)  # E2, SL2403150021, OK
SHORT = 20  # Latin letters; below it langdetect guesses (it calls "hi" Swahili)
CODES = {"zh-cn": "zh-Hans", "zh-tw": "zh-Hant"}


def detect(text: str, configured: Sequence[str], session: str | None = None) -> str:
    """The language of `text` as one of `configured` where possible, else its own code.

    A Han text with Latin product names is Chinese; one built from English function words around
    a Chinese noun is English: function words, not nouns, tell whose sentence it is.
    """
    prior = session or configured[0]
    if KANA.search(text):
        return "ja"
    if len(HANGUL.findall(text)) > len(HAN.findall(text)):
        return "ko"
    han, words = len(HAN.findall(text)), len(LATIN_WORD.findall(text))
    if han and han > 2 * len(ENGLISH.findall(text)):
        return _chinese(text, prior)
    if CYRILLIC.search(text) and not words:
        return "ru"
    if ARABIC.search(text) and not words:
        return "ar"
    if not LATIN.search(ALIKE.sub(" ", text)):
        return prior
    return _latin(text, configured, prior)


def _chinese(text: str, prior: str) -> str:
    """可以 or 退 is written alike in both scripts: then the conversation's script counts."""
    return script(text) or (prior if prior.startswith("zh") else "zh-Hans")


def _latin(text: str, configured: Sequence[str], prior: str) -> str:
    """langdetect among the configured Latin languages plus the most common others."""
    latin = [code for code in configured if not code.startswith(("zh", "ja", "ko", "ru", "ar"))]
    letters = len(LATIN.findall(text))
    if letters < SHORT or len(LATIN_WORD.findall(text)) < 4:
        if prior in latin:
            return prior
        return latin[0] if latin else prior
    detector = _factory().create()
    detector.append(text)
    found = [
        (CODES.get(guess.lang, guess.lang), guess.prob) for guess in detector.get_probabilities()
    ]
    if not found:
        return latin[0] if latin else prior
    best, probability = str(found[0][0]), float(found[0][1])
    if best in latin or not latin:
        return best
    # Support talk is full of product names; leave a configured language only when sure.
    return best if probability > 0.95 and letters > 2 * SHORT else latin[0]


@cache
def _factory() -> DetectorFactory:
    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(0)
    return factory
