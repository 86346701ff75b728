"""Mistyped words of a question, read as the words of the documents that were meant.

"internatonal" is in no document, so its sentence seems to lack what was asked for; 退定 is what a
keyboard for pinyin makes of 退订. A word is taken for mistyped when no document holds it and no
dictionary knows it, and is read as a word of the documents that differs by a slip: one or two
letters (optimal string alignment, Herranz et al. 2011), or one character of the same sound.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import jieba
from pypinyin.constants import PINYIN_DICT
from rapidfuzz.distance import OSA
from wordfreq import zipf_frequency

from knowledge.database import Database
from knowledge.glossary import phrase
from knowledge.keywords import stem, terms
from knowledge.statistics import document_counts
from knowledge.words import STOP_CHARACTERS

LATIN = re.compile(r"(?<![\w\[.@/-])[A-Za-z]{5,}(?![\w@/-])")  # no [EMAIL_1], no address
SHORTEST_FOR_TWO = 8  # letters, from which two of them may be wrong
COMMON = 3.0  # Zipf frequency from which a word is what it is; "definately" has 2.9
MUCH_COMMONER = 1.5  # of the right word, unless nobody ever wrote the wrong one
LONGEST = 4  # characters of a Chinese word
ALONE = STOP_CHARACTERS | set(
    "能有要会想可再不没最多少用得过好去来做看说又才只很太里上下哪啥该没别更"
)
HAN = re.compile(r"[\u4e00-\u9fff]+")
VERBS = frozenset("寄付修退换买卖送发收取开关洗泡烧煮喝回")  # stand alone, too
NEAREST = 8  # stems whose words are compared
EXAMPLES = 20  # passages that are looked through for how a stem is written


@dataclass(frozen=True, slots=True)
class Correction:
    """One word, as it was written and as it is read."""

    wrong: str
    right: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """A question with its mistyped words replaced."""

    text: str
    corrections: tuple[Correction, ...] = ()


class Spelling:
    """Corrects towards the words of one knowledge base; safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def corrected(self, question: str) -> Corrected:
        """The question as it was most likely meant; itself when nothing is sure enough."""
        found = [*self._latin(question), *self._chinese(question)]
        text = question
        for one in found:
            whole = rf"(?<![A-Za-z]){re.escape(one.wrong)}(?![A-Za-z])"
            text = re.sub(whole, one.right, text)
        return Corrected(text, tuple(found))

    def written(self, text: str) -> bool:
        """Whether some listed document has these words in a row, in any case and inflection."""
        if not terms(text):
            return False
        sql = "SELECT 1 FROM keywords WHERE keywords MATCH ? LIMIT 1"
        return self._db.row(sql, phrase(text)) is not None

    def _latin(self, question: str) -> Iterable[Correction]:
        words = dict.fromkeys(LATIN.findall(question))
        rare = {w: z for w in words if (z := zipf_frequency(w, "en")) < COMMON}
        known = document_counts(self._db, [stem(w.lower()) for w in rare])
        for word, frequency in rare.items():
            if stem(word.lower()) in known:
                continue
            right = self._meant(word.lower())
            if right and (
                not frequency or zipf_frequency(right, "en") >= frequency + MUCH_COMMONER
            ):
                yield Correction(word, right)

    def _meant(self, word: str) -> str | None:
        """The word of the documents that differs least; of several the commonest."""
        most = 2 if len(word) >= SHORTEST_FOR_TWO else 1
        near = [
            (distance, -count, written)
            for term in self._near(stem(word))
            for written, count in self._written(term).items()
            if written[0] == word[0]
            and (distance := OSA.distance(word, written, score_cutoff=most)) <= most
        ]
        return min(near)[2] if near else None

    def _near(self, own: str) -> list[str]:
        """Index terms that a slip may have turned into `own`; a slip changes the stem, too."""
        rows = self._db.rows(
            "SELECT term FROM temp.vocabulary WHERE term >= ? AND term < ? "
            "AND length(term) BETWEEN ? AND ?",
            own[0],
            chr(ord(own[0]) + 1),
            len(own) - 2,
            len(own) + 2,
        )
        found = {row["term"]: OSA.distance(own, row["term"], score_cutoff=2) for row in rows}
        near = [term for term, distance in found.items() if distance <= 2 and term.isalpha()]
        return sorted(near, key=lambda term: found[term])[:NEAREST]

    def _written(self, term: str) -> dict[str, int]:
        """How the documents write the words of this stem, and how often."""
        rows = self._db.rows(
            "SELECT text FROM chunks JOIN keywords ON keywords.rowid = chunks.id "
            "WHERE keywords MATCH ? LIMIT ?",
            f'"{term}"',
            EXAMPLES,
        )
        words = (w.lower() for row in rows for w in re.findall(r"[A-Za-z]+", row["text"]))
        return Counter(word for word in words if stem(word) == term)

    def _chinese(self, question: str) -> Iterable[Correction]:
        words = dict.fromkeys(_suspects(question))
        pairs = {w: [t for t in terms(w) if len(t) > 1] for w in words}
        known = document_counts(self._db, [t for found in pairs.values() for t in found])
        for word, own in pairs.items():
            if own and not all(t in known for t in own) and (right := self._sounding(word)):
                yield Correction(word, right)

    def _sounding(self, word: str) -> str | None:
        """The word of the documents that sounds the same; of several the commonest."""
        candidates = [
            word[:i] + other + word[i + 1 :]
            for i, character in enumerate(word)
            if character not in VERBS  # 寄点 is "send some", not a slip for 几点
            for other in sounding_like(character)
            if real_word(word[:i] + other + word[i + 1 :])
        ]
        parts = {c: [t for t in terms(c) if len(t) > 1] for c in candidates}
        counts = document_counts(self._db, {t for found in parts.values() for t in found})
        whole = {c: min(counts.get(t, 0) for t in found) for c, found in parts.items() if found}
        best = max(whole, key=lambda c: whole[c], default=None)
        return best if best and whole[best] else None


def _suspects(question: str) -> Iterable[str]:
    """What a cut into words took for a word, but no dictionary knows. A word with a character that
    mostly stands alone is a wrong cut, 课|能 of 体验课能…, not a slip."""
    for run in HAN.findall(question):
        for word in jieba.cut(run):
            if 2 <= len(word) <= LONGEST and not ALONE & set(word) and not real_word(word):
                yield word


def real_word(word: str) -> bool:
    jieba.initialize()  # does nothing the second time
    return word in jieba.dt.FREQ and jieba.dt.FREQ[word] > 0


def sounding_like(character: str) -> frozenset[str]:
    """The other characters that are typed with the same pinyin, whatever the tone."""
    sound = sound_of(character)
    return frozenset(_sounds()[sound]) - {character} if sound else frozenset()


def sound_of(character: str) -> str:
    """Its commonest pinyin without the tone; "" when it has none."""
    toned, _, _ = PINYIN_DICT.get(ord(character), "").partition(",")
    return re.sub(r"[\u0300-\u0304\u030c]", "", unicodedata.normalize("NFD", toned))


@cache
def _sounds() -> Mapping[str, tuple[str, ...]]:
    """Pinyin without tones → characters of the basic plane."""
    table: defaultdict[str, list[str]] = defaultdict(list)
    for code in PINYIN_DICT:
        if 0x4E00 <= code <= 0x9FFF:
            table[sound_of(chr(code))].append(chr(code))
    return {sound: tuple(found) for sound, found in table.items()}
