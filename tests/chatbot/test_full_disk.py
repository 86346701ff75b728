"""A full disk: a turn is stored whole or refused in a sentence, and staff can still read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chatbot.app import App, build
from chatbot.settings import ChatbotSettings
from chatbot.types import Action, Incoming
from knowledge import reserve
from knowledge.errors import DiskFull
from knowledge.integrity import problems
from tests.full_disk import PAGE, fill, levels, small_disk

from .conftest import DOCUMENTS

ASKED = "How long is the warranty of the K1 kettle?"
DISK = 32  # MB


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a shop that has answered once, closed."""
    root = tmp_path_factory.mktemp("shop")
    (root / "kettle.md").write_text(DOCUMENTS["kettle.md"], "utf-8")
    app = opened(root / "home")
    list(app.knowledge.add([root / "kettle.md"]))
    assert ask(app)
    app.close()
    return root / "home"


def opened(home: Path) -> App:
    app = build(home, home / "no-models", chatbot=ChatbotSettings(generator="none"))
    app.scorer.warm()
    return app


def ask(app: App) -> bool:
    """Whether the question was answered; if not, it was refused in a sentence."""
    try:
        reply = app.assistant.reply(Incoming(ASKED, "visitor"))
    except DiskFull as error:
        assert "full" in str(error) and "\n" not in str(error)
        return False
    assert reply.action is Action.QUOTE and "24 months" in reply.text
    return True


def stored(app: App) -> list[tuple[int, int, int]]:
    """Messages, replies and citations of each conversation."""
    rows = app.database.rows(
        "SELECT (SELECT count(*) FROM messages WHERE session_id = s.id) messages, "
        "(SELECT count(*) FROM replies WHERE session_id = s.id) replies, "
        "(SELECT count(*) FROM citations c JOIN replies r ON r.id = c.reply_id "
        "WHERE r.session_id = s.id) citations FROM sessions s ORDER BY s.rowid"
    )
    return [(row["messages"], row["replies"], row["citations"]) for row in rows]


@pytest.mark.slow
def test_turns_are_whole_or_refused(template: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", DISK) as disk:
        home = disk / "home"
        shutil.copytree(template, home)
        app = opened(home)
        whole = stored(app)[0]
        assert whole[:2] == (2, 1) and whole[2] > 0
        answered = []
        for left in levels():
            before = len(stored(app))
            filler = fill(disk, left)
            done = ask(app)
            answered.append(done)
            new = stored(app)[before:]
            # refused before or after the question was stored, never with half of a reply
            assert new == [whole] if done else new in ([], [(0, 0, 0)], [(1, 0, 0)])
            assert "24 months" in app.knowledge.search(ASKED)[0].text
            assert any("Make room" in problem for problem in app.health().problems)
            filler.unlink()
            assert ask(app)
        assert not answered[0] and answered[-1]
        assert list(problems(app.database, home / "index")) == []
        app.close()


@pytest.mark.slow
def test_the_room_that_was_kept_lets_customers_be_answered_and_documents_be_removed(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reserve, "PLENTY", 0)  # the disk of this test never has that much
    monkeypatch.setattr(reserve, "SIZE", 8 << 20)
    with small_disk(tmp_path / "disk", DISK) as disk:
        home = disk / "home"
        shutil.copytree(template, home)
        app = opened(home)
        reserve.keep(home)
        assert (home / reserve.NAME).stat().st_blocks * 512 >= 8 << 20
        fill(disk, 0)
        assert ask(app)
        assert not (home / reserve.NAME).exists()
        app.knowledge.remove("kettle.md")
        assert app.knowledge.search(ASKED) == []
        app.close()


def test_nothing_is_kept_on_a_disk_that_has_little_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        reserve.keep(disk)
        assert list(disk.iterdir()) == []
        reserve.give_back(disk)  # there is none
        fill(disk, 1)
        assert (disk / "filler").stat().st_size <= (1 << 20) - PAGE
