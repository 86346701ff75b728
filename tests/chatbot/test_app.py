"""Settings in, a ready app out; what does not work is said, and answers go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.app import App, build
from chatbot.settings import ChatbotSettings
from chatbot.store import new_id
from chatbot.types import Action, Incoming
from knowledge.embedder import PACKAGED
from knowledge.settings import KnowledgeSettings

QUOTES = ChatbotSettings(generator="none")
ASKED = "How long is the warranty of the K1 kettle?"


def test_health_tells_what_works(app: App) -> None:
    health = app.health()
    assert health.ok and health.problems == ()
    assert health.documents == 5 and health.index == "ready"
    assert PACKAGED in health.embedder and health.generator.startswith("off")


def test_prepare_embeds_every_sentence_and_says_how_far_it_is(app: App) -> None:
    seen: list[tuple[str, float]] = []
    app.prepare(lambda name, done: seen.append((name, done)))
    assert len(seen) == 5 and seen[-1][1] == 1.0
    assert [done for _, done in seen] == sorted(done for _, done in seen)
    (row,) = app.database.rows(
        "SELECT count(DISTINCT chunk_id) AS sentences, (SELECT count(*) FROM chunks) AS chunks "
        "FROM sentences"
    )
    assert row["sentences"] == row["chunks"] > 0


@pytest.mark.slow
def test_a_home_is_opened_again_with_all_that_was_in_it(tmp_path: Path) -> None:
    document = tmp_path / "kettle.md"
    document.write_text("# K1 kettle\n\nThe K1 kettle has a warranty of 24 months.\n", "utf-8")
    visitor, home = new_id(), tmp_path / "home"
    first = build(home, tmp_path / "models", chatbot=QUOTES)
    assert [r.error for r in first.knowledge.add([document])] == [None]
    reply = first.assistant.reply(Incoming(ASKED, visitor))
    first.close()
    second = build(home, tmp_path / "models", chatbot=QUOTES)
    assert second.store.reply(reply.id, visitor) == reply
    again = second.assistant.reply(Incoming(ASKED, visitor, reply.session_id))
    assert (again.text, again.action) == (reply.text, Action.QUOTE)
    second.close()


def test_an_embedder_that_is_missing_is_a_problem_not_an_end(tmp_path: Path) -> None:
    settings = KnowledgeSettings(embedder=str(tmp_path / "no-such-embedder"))
    app = build(tmp_path / "home", tmp_path / "models", settings, QUOTES)
    health = app.health()
    assert health.ok and PACKAGED in health.embedder
    (problem,) = health.problems
    assert "no-such-embedder" in problem and "packaged embedder" in problem
    app.close()


def test_a_generator_that_is_not_ready_is_a_problem_not_an_end(tmp_path: Path) -> None:
    app = build(
        tmp_path / "home",
        tmp_path / "models",
        chatbot=ChatbotSettings(generator=str(tmp_path / "no-such-model")),
    )
    (problem,) = app.health().problems
    assert app.health().ok and "Answers are quoted" in problem
    app.close()
