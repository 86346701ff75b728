"""The words of a question that carry its meaning, with how rare they are in the language."""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Set
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import jieba
from wordfreq import zipf_frequency

from knowledge.keywords import fold, terms
from knowledge.words import STOP_PHRASES_CJK, STOP_WORDS

jieba.setLogLevel(logging.ERROR)
COMMONEST = 7.5  # Zipf frequency (log10 per billion words) of the commonest words
LATIN = re.compile(r"[a-z0-9][a-z0-9.'-]*")
FILLERS = frozenset(STOP_PHRASES_CJK) | frozenset(
    "的 了 吗 呢 吧 啊 呀 哦 么 我 你 您 他 她 它 是 在 有 和 与 或 就 都 也 还 被 把 给 让 对 从 到 个 这 那 请 "
    "几 想 要 会 能 不 没 啥 哪 咋 上 下 里 去 来 做 用 看 说 再 又 才 只 很 太 多 少 一 多久 几个 几天 时候 没有 "
    "哪里 哪些 怎么办 什么样 多少钱 的话".split()
)
CJK = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Word:
    """A content word; found in a passage when all terms of one of its forms stand there."""

    text: str
    rarity: float  # 0..7.5, COMMONEST minus its Zipf frequency
    forms: tuple[frozenset[str], ...]  # its own index terms first, then its synonyms'

    def among(self, present: Set[str]) -> bool:
        return any(form <= present for form in self.forms)


@lru_cache(maxsize=2_000)
def content_words(question: str) -> tuple[Word, ...]:
    """The distinct content words, in order. Rarities are those of Speer's wordfreq."""
    found: dict[str, Word] = {}
    for piece in jieba.cut(fold(question)):
        text = piece.strip()
        if LATIN.fullmatch(text):
            if len(text) > 1 and text not in STOP_WORDS:
                found[text] = _word(text, "en")
        elif CJK.search(text) and text not in FILLERS:
            found[text] = _word(text, "zh")
    return tuple(found.values())


def _word(text: str, language: str) -> Word:
    own = _form(text)
    others = tuple(form for form in _synonyms().get(own, ()) if form != own)
    rarity = max(COMMONEST - zipf_frequency(text, language), 0.0)
    return Word(text, rarity, (own, *others))


@cache
def _synonyms() -> dict[frozenset[str], tuple[frozenset[str], ...]]:
    text = (files("knowledge") / "data" / "synonyms.toml").read_text("utf-8")
    table: dict[frozenset[str], set[frozenset[str]]] = {}
    for group in tomllib.loads(text)["groups"]:
        forms = {_form(word) for word in group} - {frozenset()}
        for form in forms:
            table.setdefault(form, set()).update(forms)
    return {form: tuple(sorted(group, key=sorted)) for form, group in table.items()}


def _form(text: str) -> frozenset[str]:
    """The terms that must all stand there: for Chinese the bigrams, or the only character."""
    found = terms(text)
    longer = [t for t in found if not (CJK.match(t) and len(t) == 1)]
    return frozenset(longer or found)
