"""The desk's messages worth a label: found when asked for, and added with one click."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from chatbot.app import App
from chatbot.intents.store import packaged
from chatbot.store import new_id
from tests.ui.conftest import Running
from tests.ui.staff import session_of
from tests.ui.test_approved_tab import Desk
from ui.labels import Labels
from ui.pages.suggested import SuggestedCard
from ui.roles import Role
from ui.texts import LANGUAGES

from .conftest import made

SAID = [
    "the lid came loose and I would like something <b>done</b> about it",
    "可以帮我看看吗，东西好像不太对",
    "my aunt moved, what now",
    "hello",
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app, _ = made(tmp_path_factory.mktemp("suggested") / "home")
    few = [d for d in packaged() if d.name in ("person", "refund", "return", "shipping")]
    app.assistant.intents.store.merge(few, replace=True)  # quickly learned
    app.assistant.intents.fit()
    yield app
    app.close()


@pytest.fixture
def card(app: App) -> SuggestedCard:
    card = SuggestedCard(app, Labels())
    with gr.Blocks():
        card.build(gr.Radio())
    return card


def _looked(card: SuggestedCard, language: str = "en") -> tuple[list[tuple[str, str]], Any]:
    """The choices, and what is said last."""
    working, last = card._looked("", language)
    assert 'class="working"' in working[card._said]
    return last[card._open], last[card._said]


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_messages_it_says_so(card: SuggestedCard, language: str) -> None:
    choices, said = _looked(card, language)
    assert choices == [] and 'class="hint"' in said


def test_messages_are_added_to_their_guess_or_the_chosen_intent(
    card: SuggestedCard, app: App
) -> None:
    session = app.store.open_session(new_id(), "web")
    for text in SAID:
        app.store.add_message(session.id, "user", text)
    choices, said = _looked(card, "zh-Hans")
    assert said == "" and {text for _, text in choices} == set(SAID[:3])
    assert all("领先" in line and "\n" in line for line, _ in choices)
    into = card._intents("refund", "en")[card._into]["choices"]
    assert into[0] == ("the best guess of each", "") and ("refund", "refund") in into
    store = app.assistant.intents.store
    guess = app.assistant.intents.look(SAID[0])
    assert guess is not None
    done = card._added(choices, [SAID[0]], "", "en")
    assert 'class="done"' in done[card._said] and SAID[0] in store.texts(guess.guesses[0].name)
    left = done[card._open]
    assert {text for _, text in left} == set(SAID[1:3])
    done = card._added(left, [SAID[1], SAID[2]], "person", "en")
    assert {SAID[1], SAID[2]} <= set(store.texts("person")) and done[card._open] == []
    assert done[card._adding] == gr.update(visible=False)
    again, _ = _looked(card)
    assert again == []


def test_what_cannot_be_added_stays_and_is_said(card: SuggestedCard, app: App) -> None:
    choices = [("a", "我要退货"), ("b", "  "), ("c", "x" * 600)]
    for _, text in choices:
        kept = card._added(choices, [text], "shipping", "en")
        assert 'class="problem"' in kept[card._said] and kept[card._open] == choices
    assert 'class="problem"' in card._added(choices, [], "", "en")[card._said]
    gone = card._added(choices, ["where may I park"], "no such intent", "en")
    assert 'class="problem"' in gone[card._said] and "<script" not in gone[card._said]


def test_nothing_of_a_message_is_kept_outside_the_database(card: SuggestedCard, app: App) -> None:
    def kept() -> dict[str, int]:
        files = (app.database.path.parent / "cache").glob("*.db")
        return {path.name: path.stat().st_size for path in files}

    app.assistant.intents.close()  # what the tests before taught is learned
    before = kept()
    session = app.store.open_session(new_id(), "web")
    for number in range(30):
        app.store.add_message(session.id, "user", f"my aunt {number} moved to number {number}")
    _looked(card)
    assert kept() == before


def test_an_editor_looks_and_adds_on_the_page(running: Running) -> None:
    desk = Desk(running.url, "/desk", session_of(running.site, Role.EDITOR))
    session = running.app.store.open_session(new_id(), "web")
    said = "my umbrella is <i>stuck</i>, is that one of yours?"
    running.app.store.add_message(session.id, "user", said)
    shown = desk.press("suggested-look", "", "en")
    assert "Looking" in shown and "my umbrella is" in shown and "lead" in shown
    done = desk.press("suggested-add", None, [said], "product", "zh-Hans")
    assert "已加入 1 条" in done
    assert said in running.app.assistant.intents.store.texts("product")
    running.app.assistant.intents.store.remove_example("product", said)
