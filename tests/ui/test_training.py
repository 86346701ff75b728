"""The desk's training: its curve, the end of a run, and the uploads that it read."""

from __future__ import annotations

import os
from pathlib import Path

import gradio as gr
import pytest

from chatbot.model_files import folder_sha256
from finetune import tagger_run
from finetune.job import Job
from finetune.metrics import Metric
from finetune.registry import opened
from finetune.tagger_run import TaggerJob
from tests.marked_texts import bookings, write
from tests.ui.conftest import made
from ui import transcripts
from ui.labels import Labels
from ui.pages.health import HealthTab
from ui.pages.training import TrainingTab, _held_out


def test_what_is_measured_at_the_end_stands_at_the_last_step() -> None:
    moments = [
        Metric("reading"),
        Metric("training", held_out_loss=3.4),
        Metric("training", 1, 50, 3.0),
        Metric("training", 25, 50, 2.9, held_out_loss=3.1),
        Metric("training", 50, 50, 2.8),
        Metric("sampling", held_out_loss=2.9),
        Metric("done", held_out_loss=2.9),
    ]
    assert _held_out(moments) == [(0, 3.4), (25, 3.1), (50, 2.9)]
    assert _held_out([]) == []


def test_uploads_are_deleted_when_the_run_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcripts, "LOOK", 0.01)
    home, registry = tmp_path, opened(tmp_path)
    file = tmp_path / "upload.jsonl"
    file.write_text("{}\n", encoding="utf-8")
    (kept,) = transcripts.keep(home, [str(file)])
    assert kept.exists() and not file.exists()
    with registry.alone():
        registry.begin("one", "smoke", "base", "0" * 64, os.getpid())
        watching = transcripts.drop_after_run(home)
        watching.join(0.2)
        assert watching.is_alive() and kept.exists()  # the run reads it
        registry.end("one", "failed", "too few conversations")
        watching.join(30)
    assert not kept.parent.exists()
    kept.parent.mkdir()  # left by a server that was killed
    transcripts.drop_after_run(home).join(30)
    assert not kept.parent.exists()


def test_uploads_of_a_run_that_cannot_begin_are_deleted(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home")
    tab = TrainingTab(app, settings, Labels())
    bad = tmp_path / "notes.xyz"
    bad.write_text("no transcript", encoding="utf-8")
    said, name, _ = tab._started("upload", [str(bad)], "smoke", "en")
    assert 'class="problem"' in said and name == ""
    assert not bad.exists()
    assert not list(settings.home.glob(f"{transcripts.PREFIX}*"))
    app.close()


def test_the_news_of_a_start_gives_way_to_that_of_the_end(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home")
    tab = TrainingTab(app, settings, Labels())
    with gr.Blocks():
        tab.build(gr.Radio(["en"]))
    registry = opened(settings.home)
    with registry.alone():
        registry.begin("one", "smoke", "base", "0" * 64, os.getpid())
        assert tab._said not in tab._follow("one", "en")
        registry.end("one", "cancelled", "Cancelled on request.")
    shown = tab._follow("one", "en")
    assert "one has ended: cancelled" in shown[tab._said]
    assert shown[tab._followed] == ""
    app.close()


def test_an_interrupted_run_is_offered_to_go_on(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home")
    tab = TrainingTab(app, settings, Labels())
    with gr.Blocks():
        tab.build(gr.Radio(["en"]))
    registry = opened(settings.home)
    registry.reserve("smoke", "one")
    with registry.alone():
        registry.begin("one", "smoke", "base", "0" * 64, os.getpid())
        registry.end("one", "failed", "killed")
        assert not tab.fill("en")[tab._resume]["visible"]  # it had not begun to train
        saved = registry.folder("one") / "resume"
        saved.mkdir()
        job = Job(settings.home, settings.models, (), model="gone")
        (saved / "job.json").write_text(job.to_json(), encoding="utf-8")
        assert tab.fill("en")[tab._resume]["visible"]
        said, followed = tab._resumed("en")  # while the lock is held by this test
    assert "made already" in said and followed == ""
    app.close()


def test_a_tagger_is_trained_in_the_desk(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home")
    tab = TrainingTab(app, settings, Labels())
    with gr.Blocks():
        tab.build(gr.Radio(["en"]))
    card = tab._tagger
    (nothing,) = card._trained(None, "en")
    assert "Choose a file" in nothing[card._said]
    data = write(tmp_path / "data.jsonl", bookings())
    working, ended = card._trained(str(data), "zh-Hans")
    assert "正在训练" in working[card._said]
    (run,) = opened(settings.home).list()
    assert run.state == "done" and run.name in ended[card._said]
    assert "<td>party</td>" in ended[card._report] and "<th>召回率</th>" in ended[card._report]
    assert not data.exists(), "what is not masked is not kept"
    assert run.name in tab.fill("en")[tab._run]["choices"]
    bad = tmp_path / "bad.conll"
    bad.write_text("no tags at all\n", encoding="utf-8")
    _, failed = card._trained(str(bad), "en")
    assert "is not a word with a BIO tag" in failed[card._said] and not bad.exists()
    app.close()


def test_a_tagger_is_promoted_and_taken_back_beside_the_adapter(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home")
    data = write(tmp_path / "data.jsonl", bookings())
    tagger_run.run(TaggerJob(settings.home, settings.models, data, name="slots"))
    tab = TrainingTab(app, settings, Labels())
    with gr.Blocks():
        tab.build(gr.Radio(["en"]))
        health = HealthTab(app, Labels())
        health.build(gr.Radio(["en"]))
    assert "slots marks slots from the next message on" in tab._promoted("slots", 100, "en")
    assert "●" in tab.fill("en")[tab._runs]
    assert "<th>Promoted tagger</th><td>slots</td>" in health.fill("en")[health._state]
    assert "No dialogue adapter is promoted" in tab._rolled_back(None, "en")
    assert "No tagger marks slots any more" in tab._rolled_back("slots", "en")
    assert "No tagger is promoted" in tab._rolled_back("slots", "en")
    assert "●" not in tab.fill("en")[tab._runs]
    app.close()


def test_an_adapter_is_tried_on_a_share_of_the_conversations(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home")
    registry = opened(settings.home)
    adapter = registry.folder("warm") / "adapter"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}", encoding="utf-8")
    registry.begin("warm", "smoke", "tiny", "0" * 64, os.getpid())
    registry.finish("warm", "0" * 64, (3.0, 2.5), folder_sha256(adapter), {})
    tab = TrainingTab(app, settings, Labels())
    with gr.Blocks():
        tab.build(gr.Radio(["en"]))
    for language, said in (
        ("en", "on 20 % of"),
        ("zh-Hans", "20 % 的对话"),
        ("zh-Hant", "20 % 的對話"),
    ):
        assert said in tab._promoted("warm", 20, language)
    champion = registry.serving()
    assert champion is not None and (champion.name, champion.share) == ("warm", 0.2)
    assert "● 20%" in tab.fill("en")[tab._runs]
    assert "from the next message on" in tab._promoted("warm", 100, "en")
    champion = registry.serving()
    assert champion is not None and champion.share == 1
    assert "20%" not in tab.fill("en")[tab._runs]
    assert "The share must be above 0" in tab._promoted("warm", 0, "en")
    assert "Choose a run" in tab._promoted(None, 20, "en")
    app.close()
