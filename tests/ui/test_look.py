"""The desk's look at transcripts: mapping, funnel, dropped rows, what is learnt, what it costs."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from chatbot.app import App
from finetune.put_back import PutBack
from tests.tiny_models import models_folder
from tests.ui.conftest import made
from ui.labels import Labels
from ui.pages.look import BACK, LookCard
from ui.pages.training import TrainingTab
from ui.texts import LANGUAGES

REPLIES = [
    (f"Is the blue teapot number {n} in stock?", f"Yes, teapot {n} is in stock, on shelf {n + 2}.")
    for n in range(1, 13)
]
SECRET = ("And my login?", "Your password is hunter22 from now on.")


@pytest.fixture
def card(tmp_path: Path) -> Iterator[tuple[App, LookCard]]:
    app, settings = made(tmp_path / "home")
    tab = TrainingTab(app, replace(settings, models=models_folder()), Labels())
    with gr.Blocks():
        tab.build(gr.Radio(list(LANGUAGES)))
    yield app, tab._look
    app.close()


def table(path: Path, head: tuple[str, str], rows: list[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def last(calls: Iterator[dict[Any, Any]]) -> dict[Any, Any]:
    """What the page shows at the end."""
    shown: dict[Any, Any] = {}
    for update in calls:
        shown |= update
    return shown


def test_a_table_of_unknown_columns_is_mapped_and_remembered(
    card: tuple[App, LookCard], tmp_path: Path
) -> None:
    _, look = card
    rows = [*REPLIES, ("Where do I write to?", "Please write to me: tom@example.org, any time.")]
    path = str(table(tmp_path / "faq.csv", ("What they asked", "What we said"), rows))
    shown = last(look._looked("upload", [path], "en"))
    assert "No conversations found" in shown[look._said]
    assert "not recognised" in shown[look._files]
    assert shown[look._mapping]["visible"]
    assert shown[look._name]["choices"] == ["What they asked", "What we said"]
    assert "teapot 1 is in stock" in shown[look._rows_of]
    state = shown[look._state]
    for field, column in (("customer", "What they asked"), ("agent", "What we said")):
        shown = last(look._mapped(state, "faq.csv", field, column, "en"))
        state = shown[look._state]
    assert "What we said is remembered" in shown[look._said]
    assert "answer ← What we said" in shown[look._rows_of]
    assert "13 conversations" in shown[look._funnel]
    other = str(table(tmp_path / "later.csv", ("What they asked", "What we said"), REPLIES))
    assert "table of answers" in last(look._looked("upload", [other], "en"))[look._files]


def test_a_dropped_row_is_put_back_and_taken_out_again(
    card: tuple[App, LookCard], tmp_path: Path
) -> None:
    app, look = card
    rows = [
        *REPLIES,
        ("Is it open?", "Yes."),
        ("And my login?", "Your password is hunter22 from now on."),
    ]
    path = table(tmp_path / "faq.csv", ("question", "answer"), rows)
    shown = last(look._looked("upload", [str(path)], "en"))
    reasons = dict(shown[look._reason]["choices"])
    assert "too short to teach anything (1)" in reasons
    state = shown[look._state]
    listed = look._listed(state, "too-short", "en")["choices"]
    assert listed[0][0] == "Is it open?\n→ Yes."
    assert "Choose rows" in last(look._kept(state, [], "en"))[look._said]
    shown = last(look._kept(state, [listed[0][1]], "en"))
    assert "1 put back" in shown[look._said]
    assert (f"put back by people ({1})", BACK) in shown[look._reason]["choices"]
    state = shown[look._state]
    assert [pair.reply for pair in state.look.returned] == ["Yes."]
    back = look._listed(state, BACK, "en")["choices"]
    last(look._undone(state, [back[0][1]], "en"))
    assert PutBack(app.database).ids() == frozenset()
    secret = [row.id for row in state.look.cleaned.dropped if row.code == "secret"]
    assert secret, "the planted password was not found"
    assert "cannot be put back" in last(look._kept(state, secret, "en"))[look._said]
    path.unlink()
    gone = last(look._mapped(state, "faq.csv", "time", "answer", "en"))
    assert "not there any more" in gone[look._said]


def test_people_of_a_chat_log_change_sides(card: tuple[App, LookCard], tmp_path: Path) -> None:
    _, look = card
    log = tmp_path / "chat.txt"
    log.write_text(
        "".join(
            f"[12:{n:02}] Lin: Good day, teapot {n} is back in stock again.\n"
            f"[12:{n + 1:02}] Ann: Is it the blue one with the bamboo handle?\n"
            for n in range(1, 30, 2)
        ),
        encoding="utf-8",
    )
    shown = last(look._looked("upload", [str(log)], "en"))
    assert "<td>Lin</td><td>customer</td>" in shown[look._rows_of]
    assert [value for _, value in shown[look._field]["choices"]] == ["customer", "agent"]
    for side, name in (("agent", "Lin"), ("customer", "Ann")):
        shown = last(look._mapped(shown[look._state], "chat.txt", side, name, "en"))
    assert "<td>Lin</td><td>agent</td>" in shown[look._rows_of]
    assert "<td>Ann</td><td>customer</td>" in shown[look._rows_of]


def test_the_samples_show_what_is_learnt_and_what_it_costs(card: tuple[App, LookCard]) -> None:
    _, look = card
    shown = last(look._looked("samples", None, "zh-Hans"))
    assert "zh-sharegpt.jsonl" in shown[look._files] and "ShareGPT" in shown[look._files]
    assert (
        "<th>近似重复</th>" in shown[look._funnel] and "基础模型不会的语言" in shown[look._funnel]
    )
    mask = shown[look._mask]
    read, learnt = mask.split("<mark>")
    assert "customer-service assistant" in read and "customer-service assistant" not in learnt
    assert learnt.removesuffix("</mark></div>").endswith("&lt;|im_end|&gt;"), "the stop is learnt"
    for preset in ("smoke", "small", "default", "large"):
        assert f"<td>{preset}</td>" in shown[look._costs]
    assert "GiB" in shown[look._costs]
    assert "Beatrix" not in shown[look._rows_of]


def test_files_that_are_no_transcripts_are_told(card: tuple[App, LookCard], tmp_path: Path) -> None:
    _, look = card
    assert "Choose one or more" in last(look._looked("upload", None, "en"))[look._said]
    bad = tmp_path / "notes.bin"
    bad.write_bytes(b"\x00\x01\x02" * 50)
    shown = last(look._looked("upload", [str(bad)], "en"))
    assert 'class="problem"' in shown[look._said] and shown[look._funnel] == ""
    assert (
        "Choose a file"
        in last(look._mapped(shown[look._state], None, None, None, "en"))[look._said]
    )
    assert look._masked(None, 3, "en") == "" and look._listed(None, None, "en")["choices"] == []


def test_without_a_base_the_rest_is_shown(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home")
    tab = TrainingTab(app, settings, Labels())
    with gr.Blocks():
        tab.build(gr.Radio(list(LANGUAGES)))
    look = tab._look
    path = table(tmp_path / "faq.csv", ("question", "answer"), REPLIES)
    shown = last(look._looked("upload", [str(path)], "en"))
    assert "12 conversations" in shown[look._funnel]
    assert 'class="problem"' in shown[look._said]
    assert shown[look._mask] == "" and shown[look._costs] == ""
    app.close()
