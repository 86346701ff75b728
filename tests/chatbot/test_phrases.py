"""The assistant's own words exist in every language that it speaks."""

from __future__ import annotations

import string
import tomllib
from importlib.resources import files

import pytest

from chatbot.phrases import phrase
from knowledge.language import script

TABLE: dict[str, dict[str, str]] = tomllib.loads(
    (files("chatbot") / "data" / "phrases.toml").read_text("utf-8")
)


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_language_has_every_phrase_with_the_same_fields() -> None:
    assert set(TABLE) == {"en", "zh-Hans", "zh-Hant"}
    for language, own in TABLE.items():
        assert own.keys() == TABLE["en"].keys(), language
        for name, text in own.items():
            assert text.strip() and fields(text) == fields(TABLE["en"][name]), (language, name)


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant"])
def test_chinese_is_written_in_its_own_script(language: str) -> None:
    assert {script(text) for text in TABLE[language].values()} <= {language, None}


def test_a_language_without_phrases_gets_its_family_or_english() -> None:
    assert phrase("thanks", "zh-Hant") == TABLE["zh-Hant"]["thanks"]
    assert phrase("thanks", "zh-SG") == TABLE["zh-Hans"]["thanks"]
    assert phrase("thanks", "de") == TABLE["en"]["thanks"]


def test_fields_are_filled_in() -> None:
    assert "2000" in phrase("too_long", "en", limit=2000)
    with pytest.raises(KeyError):
        phrase("no such phrase", "en")
