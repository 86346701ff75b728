"""The desk's list of the team's own products and places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from chatbot.app import App
from chatbot.listed_names import FILE
from tests.ui.conftest import Running, made
from tests.ui.staff import session_of
from tests.ui.test_approved_tab import Desk
from ui.labels import Labels
from ui.pages.names_card import NamesCard
from ui.roles import Role
from ui.texts import LANGUAGES


@pytest.fixture
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app, _ = made(tmp_path_factory.mktemp("names") / "home")
    app.names.path.unlink(missing_ok=True)
    yield app
    app.close()


@pytest.fixture
def card(app: App) -> NamesCard:
    card = NamesCard(app, Labels())
    with gr.Blocks():
        card.build(gr.Radio())
    return card


def _added(card: NamesCard, kind: str, name: str, also: str = "") -> dict[Any, Any]:
    return card._added(kind, name, also, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_list_says_so(card: NamesCard, language: str) -> None:
    assert 'class="hint"' in card.fill(language)[card._table]


def test_names_are_added_found_and_removed(card: NamesCard, app: App) -> None:
    done = _added(card, "product", "Yun Kettle Pro", "云壶Pro， YK-P | the <b>big</b> kettle")
    assert 'class="done"' in done[card._said] and done[card._name] == done[card._also] == ""
    (name,) = app.names.all()
    assert name.also == ("云壶Pro", "YK-P", "the <b>big</b> kettle")
    table = done[card._table]
    assert "Yun Kettle Pro" in table and "&lt;b&gt;" in table and "<b>" not in table
    assert "Yun Kettle Pro" in card._tried("我的云壶Pro漏水", "zh-Hans")
    assert "read from" in card._tried("my yun kettel pro leaks", "en")
    assert 'class="hint"' in card._tried("my toaster leaks", "en")
    gone = card._removed("yk-p", "en")  # by any spelling
    assert "Yun Kettle Pro" in gone[card._said] and app.names.all() == ()


def test_a_second_adding_adds_spellings(card: NamesCard, app: App) -> None:
    _added(card, "product", "Yun Kettle", "云壶")
    _added(card, "product", "yun kettle", "YK")
    (name,) = app.names.all()
    assert {"云壶", "YK"} <= set(name.also)


@pytest.mark.parametrize(
    ("kind", "name", "also"),
    [
        ("product", "", ""),
        ("product", "x", ""),
        ("product", "Yun Kettle", "云壶, " + "long " * 40),
        ("place", "!!!", ""),
    ],
)
def test_what_is_no_name_changes_nothing(
    card: NamesCard, app: App, kind: str, name: str, also: str
) -> None:
    refused = _added(card, kind, name, also)
    assert set(refused) == {card._said}  # what was typed stays
    assert 'class="problem"' in refused[card._said]
    assert app.names.all() == ()


def test_removing_what_is_not_listed_says_so(card: NamesCard) -> None:
    assert 'class="problem"' in card._removed("Nobody", "en")[card._said]


def test_a_file_that_cannot_be_read_is_told(card: NamesCard, app: App) -> None:
    app.names.path.write_text("kind,name,also\nplanet,Mars,\n", encoding="utf-8")
    assert 'class="problem"' in card.fill("en")[card._table]
    assert FILE in card.fill("en")[card._table]
    assert 'class="problem"' in _added(card, "product", "Yun Kettle")[card._said]


def test_a_long_list_is_shown_in_part(card: NamesCard, app: App) -> None:
    lines = "".join(f"product,Kettle model {n:03d},\n" for n in range(230))
    app.names.path.write_text(f"kind,name,also\n{lines}", encoding="utf-8")
    table = card.fill("en")[card._table]
    assert table.count("<tr>") == 201 and "30" in table


def test_viewers_read_and_editors_write(running: Running) -> None:
    editor, viewer = (
        Desk(running.url, "/desk", session_of(running.site, role))
        for role in (Role.EDITOR, Role.VIEWER)
    )
    given = ("place", "Harbour Store", "", "en")
    with pytest.raises(AssertionError, match="Your role does not allow this"):
        viewer.press("name-add", *given)
    assert "Harbour Store" not in [n.name for n in running.app.names.all()]
    assert "is listed" in editor.press("name-add", *given)
    assert "Harbour Store" in [n.name for n in running.app.names.all()]
    assert "no longer listed" in editor.press("name-remove", "harbour store", "en")
