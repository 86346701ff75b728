"""Which language a turn is in: script, then common words, then langdetect, else the session's."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

from knowledge.language import script, simplify
from knowledge.words import words

HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")
KANA = re.compile(r"[\u3041-\u30fa\u30fd-\u30ff\uff66-\uff9d]")
HANGUL = re.compile(r"[\uac00-\ud7af\u1100-\u11ff\u3131-\u318e]")
LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
TOKEN = re.compile(r"[a-z\u00df-\u024f]+(?:['’][a-z\u00df-\u024f]+)*")
# Letters that name their language by themselves; the first that applies counts.
SCRIPTS = {
    "uk": re.compile(r"[іїєґІЇЄҐ]"),
    "ru": re.compile(r"[\u0400-\u052f]"),
    "fa": re.compile(r"[پچژگ]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "he": re.compile(r"[\u0590-\u05ff]"),
    "el": re.compile(r"[\u0370-\u03ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
}
NOT_LATIN = re.compile(r"[\u0370-\u06ff\u0900-\u0e7f]")
CANTONESE = re.compile("[唔冇嘅咗喺啲哋嚟佢嘢乜嗰噉咁㗎喎攞搵瞓邊]|謝晒")
JAPANESE = re.compile(
    "[円込働払気対応検済戻仮価壊変図売読続様発収駅銭営労択転関歳氷]|注文|番号|送料|返品|在庫"
)
# Characters that build a Chinese sentence, whatever nouns of another language stand in it.
PARTICLES = frozenset(
    "的了吗呢吧啊我你您要想能可怎什么几多请帮在是有没不到个这那还也都就会给把让为"
)
ALIKE = re.compile(  # links, addresses, E2, SL2403150021, iPhone: alike in every language
    r"https?://\S+|www\.\S+|\S{1,64}@\S+|[A-Za-z-]{0,20}\d[A-Za-z\d-]*"
    r"|[a-z]{1,20}[A-Z]\w*|[A-Z][a-z]{1,20}[A-Z]\w*"
    r"|\b(?:[Oo][Kk]|Pro|Plus|Max|Mini)\b",
    re.ASCII,
)
# English words that Chinese uses as its own.
LOANS = words("""
    ok okay app wifi wi fi vip logo pdf usb email mail hi hello hey thx bye pro line pay led
    plus mini max sim sku qq ios iphone ipad paypal android bug excel word html http https www
    com
""")
OTHERS = ("de", "fr", "es", "it", "pt", "nl")  # noticed although no shop was set up for them
HINTS = {"de": "[äöüß]", "es": "[ñ¿¡]", "fr": "[çœèêàâîôû]|\\w [?!]", "pt": "[ãõ]"}
LOOKED_AT = 2_000  # characters tell the language; a message may be of any length
SHORT = 20  # Latin letters; below it langdetect guesses (it calls "hi" Swahili)
LONG_PINYIN = 120  # letters; a longer text is no quick note
MARGIN = 0.5  # of a word: less tells nothing, and the conversation's language counts that much
INITIALS = words("""
    b p m f d t n l g k h j q x zh ch sh r z c s y w
""")
FINALS = words("""
    a o e ai ei ao ou an en ang eng ong i ia ie iao iu ian in iang ing iong u ua uo uai ui uan
    un uang v ve ue
""")


@dataclass(frozen=True, slots=True)
class Spoken:
    """The language to answer in, and the other one that the turn also uses."""

    main: str  # zh-Hans, zh-Hant, en, …
    second: str | None = None


def detect(text: str, configured: Sequence[str], session: str | None = None) -> str:
    """The language of `text` as one of `configured` where possible, else its own code."""
    return spoken(text, configured, session).main


def spoken(text: str, configured: Sequence[str], session: str | None = None) -> Spoken:
    """The language that builds the sentence; a second one when words of it stand in between.

    Function words, not nouns, tell whose sentence it is: a Han text with Latin product names is
    Chinese, "what does 保修 mean" is English. `session` counts where the text does not tell.
    """
    text = text[:LOOKED_AT]
    prior = session or configured[0]
    letters = len(LATIN.findall(ALIKE.sub(" ", text)))
    east = _eastern(text, configured, prior)
    if east is None:
        foreign = _by_letters(text)
        if foreign and len(NOT_LATIN.findall(text)) > letters:
            return Spoken(foreign)
        return Spoken(_latin(text, configured, prior), foreign)
    particles = sum(c in PARTICLES for c in simplify(text))
    particles += sum(KANA.match(c) is not None for c in text) + len(HANGUL.findall(text))
    english = sum(word in _words()["function"]["en"] for word in _tokens(text))
    if english and english > particles:
        return Spoken(_latin(HAN.sub(" ", text), configured, prior), east)
    return Spoken(east, "en" if _english_inside(text) else None)


def _eastern(text: str, configured: Sequence[str], prior: str) -> str | None:
    """Chinese, Japanese or Korean, if a character of theirs stands in the text."""
    han, kana, hangul = (p.findall(text) for p in (HAN, KANA, HANGUL))
    if len(hangul) > len(han):
        return "ko"
    if any(c != "の" for c in kana) or (kana and script(text) is None):
        return "ja"
    if not han:
        return "ko" if hangul else None
    if JAPANESE.search(text):
        return "ja"
    told = script(text) or ("zh-Hant" if CANTONESE.search(text) else None)
    if told:
        return told
    if prior.startswith("zh") or prior == "ja":  # 可以 or 返品 is written alike
        return prior
    return next((code for code in configured if code.startswith("zh")), "zh-Hans")


def _by_letters(text: str) -> str | None:
    return next((code for code, letters in SCRIPTS.items() if letters.search(text)), None)


def _english_inside(text: str) -> bool:
    """Lower-case words that are no loans: product names are capital, codes have digits."""
    return any(len(w) > 2 and w not in LOANS for w in re.findall(r"[A-Za-z]+", ALIKE.sub(" ", text))
               if w.islower())  # fmt: skip


def _tokens(text: str) -> list[str]:
    """Lower-case words without codes; d'adresse also as d and adresse."""
    found = TOKEN.findall(ALIKE.sub(" ", text).lower().replace("’", "'"))
    return [part for word in found for part in {word: 0, **dict.fromkeys(word.split("'"))}]


def _latin(text: str, configured: Sequence[str], prior: str) -> str:
    """By common words; where these do not tell, by letter statistics; else the prior."""
    known = [code for code in configured if code in _words()["function"]]
    words = _tokens(text)
    default = prior if prior in known else (known[0] if known else prior)
    if not words:
        return prior
    chinese = [code for code in configured if code.startswith("zh")]
    if chinese and _pinyin(words):
        return prior if prior.startswith("zh") else chinese[0]
    scores = _scores(text, words, dict.fromkeys((*known, *OTHERS)))
    if default in scores:
        scores[default] += MARGIN
    home = sorted((scores[code], code) for code in known)[::-1]
    other, stranger = max(((scores[c], c) for c in OTHERS if c not in known), default=(0.0, ""))
    mine = home[0][0] if home else 0.0
    # Support talk is full of product names: a configured language is left for two words or more.
    if other >= 2 and other > mine:
        return stranger
    if home and mine >= 1 and (len(home) == 1 or mine > home[1][0]):
        return home[0][1]
    return _statistical(text, known, default)


def _scores(text: str, words: Sequence[str], codes: Iterable[str]) -> dict[str, float]:
    """Common words of each language in the text, plus letters that few of them have."""
    function, shop = _words()["function"], _words()["shop"]
    scores = {}
    for code in codes:
        common = sum(w in function[code] or w in shop[code] for w in words)
        hinted = code in HINTS and re.search(HINTS[code], text.lower())
        scores[code] = common + (MARGIN if hinted else 0.0)
    return scores


def _statistical(text: str, known: Sequence[str], default: str) -> str:
    """langdetect among the configured Latin languages and the commonest others."""
    letters, words = len(LATIN.findall(text)), len(LATIN_WORD.findall(text))
    if letters < SHORT or words < 4:
        return default
    detector = _factory().create()
    weights = {code: 0.2 / len(OTHERS) for code in OTHERS}
    weights |= {code: 0.8 / len(known) for code in known}
    weights[default] = weights.get(default, 0.0) + MARGIN
    detector.set_prior_map({c: w for c, w in weights.items() if c in _factory().langlist})
    detector.append(text)
    found = detector.get_probabilities()
    if not found:
        return default
    best, probability = str(found[0].lang), float(found[0].prob)
    if best in known or not known:
        return best
    return best if probability > 0.95 and letters > 2 * SHORT else default


def _pinyin(words: Sequence[str]) -> bool:
    """Every word is made of pinyin syllables, and one of them is common in shop talk."""
    markers = _words()["pinyin"]["markers"]
    if not any(word in markers for word in words):
        return False
    if not 3 < len("".join(words)) < LONG_PINYIN:
        return False
    return all(_syllables().fullmatch(word) for word in words)


@cache
def _syllables() -> re.Pattern[str]:
    initials, finals = "|".join(INITIALS), "|".join(sorted(FINALS, key=len, reverse=True))
    return re.compile(rf"(?:(?:{initials})(?:{finals})|er|a|ai|an|ang|ao|e|en|ou|o)+")


@cache
def _words() -> Mapping[str, Mapping[str, frozenset[str]]]:
    table = tomllib.loads((files("chatbot") / "data" / "latin_words.toml").read_text("utf-8"))
    return {
        kind: {code: frozenset(words.split()) for code, words in lists.items()}
        for kind, lists in table.items()
    }


def warm() -> None:
    """Load what the first message would wait half a second for."""
    _factory()
    script("")


@cache
def _factory() -> DetectorFactory:
    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(0)
    return factory
