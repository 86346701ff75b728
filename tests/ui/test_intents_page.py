"""The desk's intents: what staff type is stored or refused, and shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from chatbot.app import App
from chatbot.intents.store import packaged
from ui.labels import Labels
from ui.pages.intents import IntentsTab
from ui.texts import LANGUAGES

from .conftest import made

SHOWN = (
    *("chosen", "armed", "editor", "name", "route", "description", "answer", "examples"),
    *("remove", "said"),
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app, _ = made(tmp_path_factory.mktemp("intents") / "home")
    few = [d for d in packaged() if d.name in ("person", "refund", "return", "shipping")]
    app.assistant.intents.store.merge(few, replace=True)  # quickly learned
    yield app
    app.close()


@pytest.fixture
def tab(app: App) -> IntentsTab:
    tab = IntentsTab(app, Labels())
    with gr.Blocks():
        tab.build(gr.Radio())
    return tab


def named(values: list[Any]) -> dict[str, Any]:
    return dict(zip(SHOWN, values, strict=True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tab_is_filled_in_every_language(tab: IntentsTab, app: App, language: str) -> None:
    filled = tab.fill(language)
    assert set(filled) == set(tab.filled)
    rows = filled[tab._table]["value"]
    assert [row[0] for row in rows] == [d.name for d in app.assistant.intents.store.all()]
    assert "%" in filled[tab._state] and "svg" in filled[tab._picture]


def test_an_intent_is_made_changed_and_removed(tab: IntentsTab, app: App) -> None:
    store = app.assistant.intents.store
    typed = (" parking ", "answer", "Where to park", "ignored", "car park?\n\n 停车 \n", "en")
    opened = named(tab._saved("", *typed))
    assert opened["chosen"] == "parking" and 'class="done"' in opened["said"]
    assert opened["examples"] == "car park?\n停车"
    assert (store.get("parking").answer, store.get("parking").route) == ("", "answer")
    said = "Behind the house."
    tab._saved("parking", "cars", "smalltalk", "", said, "car park?", "en")
    assert store.get("cars").answer == said
    asked = named(tab._removed("cars", False, "zh-Hans"))
    assert asked["armed"] is True and store.get("cars")
    gone = named(tab._removed("cars", True, "zh-Hans"))
    assert gone["chosen"] == "" and "cars" not in {d.name for d in store.all()}


def test_what_is_wrong_is_said_and_what_was_typed_stays(tab: IntentsTab, app: App) -> None:
    before = app.assistant.intents.store.all()
    for name, examples in (("", "x"), ("refund", "x"), ("new", "我要退货"), ("new", "x" * 501)):
        kept = named(tab._saved("", name, "answer", "", "", examples, "en"))
        assert 'class="problem"' in kept["said"] and "<script" not in kept["said"]
        assert kept["examples"] == gr.update()
    assert app.assistant.intents.store.all() == before
    assert 'class="problem"' in named(tab._removed("nosuch", True, "en"))["said"]


def test_a_sentence_is_tried(tab: IntentsTab) -> None:
    shown = tab._tried("where is my <b>parcel</b>", "en")
    assert "shipping" in shown and "<b>" not in shown
    assert "person" in tab._tried("转人工", "zh-Hans")
    assert 'class="problem"' in tab._tried(" ", "en")
