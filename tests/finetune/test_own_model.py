"""A team's story: train on transcripts, promote, and the running assistant speaks with the run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.app import App, build
from chatbot.evaluate import Question
from chatbot.settings import ChatbotSettings
from chatbot.types import Action, Incoming, Reply
from finetune import config, train
from finetune.errors import NotPromotable
from finetune.gate import measure
from finetune.job import Job
from finetune.registry import opened
from tests.tiny_models import models_folder

TRANSCRIPTS = Path(__file__).parents[2] / "samples" / "transcripts"
SHOP = """# Shipping abroad

Courier express takes 4–7 days and costs $29. Standard air parcel takes 10–18 days and costs $12.

# Returns

International customers can return unused goods within 30 days of receipt.

# Warranty

The heating base of the kettle has a 2-year warranty.
"""
QUESTIONS = (
    "How long does courier express take?",
    "How long does a standard air parcel take?",
    "Within how many days can international customers return unused goods?",
    "How long is the warranty on the heating base of the kettle?",
    "What does courier express cost?",
    "What does a standard air parcel cost?",
)


def ask(app: App, question: str) -> Reply:
    return app.assistant.reply(Incoming(question, "a visitor"))


@pytest.mark.slow
def test_train_promote_and_the_reply_comes_from_the_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, home = models_folder(), tmp_path / "home"
    (tmp_path / "shop.md").write_text(SHOP)
    app = build(home, models, chatbot=ChatbotSettings())
    try:
        assert [i.status for i in app.knowledge.add([tmp_path / "shop.md"])] == ["added"]
        app.start()
        assert app.generator is not None and app.generator.wait(120), app.generator
        before = ask(app, QUESTIONS[0])
        assert (before.action, before.adapter) == (Action.QUOTE, None)

        few = replace(config.load("smoke"), epochs=0.3, measured=8, samples=1, measure_every=1)
        monkeypatch.setattr(config, "load", lambda name: few)
        run = train.run(Job(home, models, (TRANSCRIPTS,)))
        assert run.base == "SmolLM2-135M-Instruct" and run.change is not None
        assert run.change < -0.02  # of the held-out loss, after a third of an epoch
        assert set(run.card["dataset"]["train"]["languages"]) == {"en"}  # all that it speaks
        opened(home).promote(run.name)

        # The app was built before the run existed. Not every generated sentence passes the
        # check of its evidence, and then it is quoted; but the run must be heard.
        replies = [ask(app, question) for question in QUESTIONS]
        spoken = [r for r in replies if r.adapter == run.name]
        assert spoken, [(r.engine, r.text, r.trace[-1].detail) for r in replies]
        assert all(r.action is Action.ANSWER and r.citations for r in spoken)
        assert all("transformers" in r.engine for r in spoken)

        written = (opened(home).folder(run.name) / "dataset" / "train.jsonl").read_text("utf-8")
        assert "skinnear@eirmail.example" not in written and "(718) 555-0164" not in written

        opened(home).rollback()
        assert ask(app, QUESTIONS[0]).adapter is None

        golden = [
            Question(str(i), "en", question, False) for i, question in enumerate(QUESTIONS[:2])
        ]  # said to be unanswerable, so that whoever answers is wrong
        verdict = measure(app, opened(home).show(run.name), golden)
        assert (verdict.questions, verdict.serving) == (2, "quoting")
        assert verdict.before.abstained_right == verdict.candidate.abstained_right == 0
        assert 0 <= verdict.candidate.written <= 1 and verdict.before.written == 0
        opened(home).judge(run.name, verdict.table() | {"failed": ["It loses all."]})
        with pytest.raises(NotPromotable, match="did not pass its gate: It loses all"):
            opened(home).promote(run.name)
        assert opened(home).promote(run.name, force=True, reason="a trial").name == run.name
    finally:
        app.close()
