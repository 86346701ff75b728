"""The interface texts: complete in every language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from chatbot.handovers import Queue
from chatbot.states import Outcome
from chatbot.types import Action, HandoffReason
from ui.texts import LANGUAGES, preferred, texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_and_placeholders(language: str) -> None:
    english, other = texts("en").table, texts(language).table
    assert set(english) == set(other)
    for key, text in english.items():
        assert re.findall(r"{\w+}", text) == re.findall(r"{\w+}", other[key]) or set(
            re.findall(r"{\w+}", text)
        ) == set(re.findall(r"{\w+}", other[key])), key
        assert other[key].strip(), key


def test_every_key_that_the_code_names_exists() -> None:
    folder = Path(__file__).parents[2] / "ui"
    source = "\n".join(p.read_text("utf-8") for p in folder.rglob("*.py"))
    named = set(re.findall(r'words\(\s*"([a-z]+\.[a-z_]+)"', source))
    named |= set(
        re.findall(
            r'[a-z_]+="((?:customer|desk|documents|training|login|inbox|person)\.[a-z_]+)"', source
        )
    )
    assert len(named) > 40
    assert named <= set(texts("en").table)


def test_every_value_that_staff_read_has_a_name() -> None:
    known = texts("zh-Hans").table
    assert {f"action.{action.value}" for action in Action} <= known.keys()
    assert {f"reason.{reason.value}" for reason in HandoffReason} <= known.keys()
    assert {f"outcome.{outcome}" for outcome in get_args(Outcome)} <= known.keys()
    assert {f"inbox.{queue}" for queue in get_args(Queue)} <= known.keys()


@pytest.mark.parametrize(
    ("header", "language"),
    [("zh-CN,zh;q=0.9", "zh-Hans"), ("zh-TW,en", "zh-Hant"), ("zh-Hant-HK", "zh-Hant"),
     ("de-DE,de,en;q=0.7", "en"), ("fr,zh;q=0.2", "zh-Hans"), ("", "en"), (";;;,,", "en")],
)  # fmt: skip
def test_the_browser_decides(header: str, language: str) -> None:
    assert preferred(header) == language


def test_every_stage_of_the_assistant_has_a_text() -> None:
    folder = Path(__file__).parents[2] / "chatbot"
    source = "\n".join(p.read_text("utf-8") for p in folder.rglob("*.py"))
    stages = set(re.findall(r'Stage\("(\w+)"\)', source))
    assert stages
    for stage in stages:
        assert f"stage.{stage}" in texts("en").table
