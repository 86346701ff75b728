"""One visitor's data: exported whole, erased so that no byte stays, nobody else's touched."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from chatbot.app import App, build
from chatbot.erasure import OWNERS, Erasure, owned
from chatbot.errors import ChatbotError, NotFound
from chatbot.settings import ChatbotSettings
from chatbot.store import Store
from chatbot.types import Action, HandoffReason, Incoming
from knowledge.database import Database


def talked(app: App, marker: str) -> str:
    """A visitor who leaves the marker in every place there is; the visitor's id."""
    visitor = token_hex(16)
    first = app.assistant.reply(Incoming(f"{marker}a: do zebras ride bikes?", visitor))
    app.store.rate(first.id, visitor, -1, f"{marker}c")
    reason = HandoffReason.CUSTOMER_REQUEST
    app.handovers.request(first.session_id, visitor, reason, f"{marker}d")
    app.assistant.reply(Incoming(f"My mail is {marker}b@tea.example", visitor, first.session_id))
    app.handovers.leave_contact(first.session_id, visitor, f"{marker}e@tea.example")
    app.store.add_message(first.session_id, "note", f"{marker}f")
    other = app.assistant.reply(Incoming(f"{marker}g and hello", visitor, channel="api"))
    assert other.session_id != first.session_id
    return visitor


def on_disk(home: Path, *markers: str) -> dict[str, list[str]]:
    """Which of the markers stand in which files, byte for byte."""
    found: dict[str, list[str]] = {}
    for path in home.rglob("*"):
        raw = path.read_bytes() if path.is_file() else b""
        for marker in markers:
            if any(marker.encode(coding) in raw for coding in ("utf-8", "utf-16-le")):
                found.setdefault(marker, []).append(path.name)
    return found


@pytest.fixture
def own(tmp_path: Path) -> App:
    (tmp_path / "a.md").write_text("# Tea\n\nOpened tea cannot be returned.\n", "utf-8")
    app = build(tmp_path / "home", tmp_path / "none", chatbot=ChatbotSettings(generator="none"))
    list(app.knowledge.add([tmp_path / "a.md"]))
    return app


def test_no_byte_of_the_erased_stays_and_nobody_else_loses_one(own: App, tmp_path: Path) -> None:
    stays, goes = "Marmalade7", "Zanzibar9"
    kept = talked(own, stays)
    gone = talked(own, goes)
    before = on_disk(tmp_path / "home", *(f"{goes}{letter}" for letter in "abcdefg"))
    assert len(before) == 7, "the marker did not reach every place"
    sessions = own.erasure.sessions(gone)
    exported = json.dumps(own.erasure.export(kept))
    erased = own.erasure.erase(gone)
    assert erased.sessions == 2 and erased.rows > 15
    assert on_disk(tmp_path / "home", goes, goes.lower(), gone, *sessions) == {}
    after = own.erasure.export(kept)
    assert json.loads(exported)["conversations"] == json.loads(json.dumps(after))["conversations"]
    with pytest.raises(NotFound, match="Nothing is stored"):
        own.erasure.erase(gone)
    assert own.assistant.reply(Incoming("hello", gone)).action is Action.SMALLTALK
    own.close()
    assert on_disk(tmp_path / "home", goes, *sessions) == {}


def test_the_golden_case_of_an_erased_reply_goes(own: App, tmp_path: Path) -> None:
    """It keeps the question as staff saved it, in a file beside the database."""
    home, mine = tmp_path / "home", '{"id": "a", "question": "Own?"}'
    golden = home / "golden.jsonl"
    golden.write_text(f"{mine}\nnot json\n", "utf-8")
    visitors = []
    for marker in ("Zanzibar9", "Marmalade7"):
        visitor = token_hex(16)
        reply = own.assistant.reply(Incoming("Can I return opened tea?", visitor))
        own.rate(reply.id, visitor, -1)
        own.feedback.correct(reply.id, f"{marker}: opened tea back?", f"{marker}: no.", "kim")
        visitors.append(visitor)
    assert on_disk(home, "Zanzibar9")["Zanzibar9"].count("golden.jsonl") == 1
    for pair in own.knowledge.approved.pairs():  # the shop's own text, which an erasure leaves
        own.knowledge.approved.remove(pair.id)
    folder = golden.with_name(".golden.jsonl.partial")
    folder.mkdir()  # the file cannot be written: nothing is erased
    with pytest.raises(ChatbotError, match="golden cases"):
        own.erasure.erase(visitors[0])
    assert len(own.erasure.sessions(visitors[0])) == 1
    folder.rmdir()
    own.erasure.erase(visitors[0])
    assert on_disk(home, "Zanzibar9") == {}
    lines = golden.read_text("utf-8").splitlines()
    assert lines[:2] == [mine, "not json"] and len(lines) == 3 and "Marmalade7" in lines[2]
    own.erasure.expire(1, datetime.now(UTC) + timedelta(days=2))
    assert golden.read_text("utf-8").splitlines() == [mine, "not json"]


def test_pages_that_were_split_keep_nothing_in_their_gaps(tmp_path: Path) -> None:
    database = Database(tmp_path / "zhike.db")
    store = Store(database)
    app = build(tmp_path, tmp_path / "none", chatbot=ChatbotSettings(generator="none"))
    visitors = [token_hex(16) for _ in range(8)]
    sessions = {v: store.open_session(v, "web").id for v in visitors}
    marks: dict[str, list[str]] = {v: [] for v in visitors}
    for n in range(1_200):  # random ids split the pages of the index; long texts those of the table
        visitor = visitors[n * 7 % len(visitors)]
        text = token_hex(8)
        message = store.add_message(sessions[visitor], "user", f"{text} " * (1 + n * 13 % 60))
        marks[visitor] += [text, message.id]
    app.erasure.erase(visitors[0])
    raw = b"".join(p.read_bytes() for p in tmp_path.iterdir() if p.is_file())
    assert [m for m in marks[visitors[0]] if m.encode() in raw] == []
    assert all(m.encode() in raw for m in marks[visitors[1]])
    app.close()
    database.close()


def test_the_export_has_everything_but_the_teams_notes(own: App) -> None:
    visitor = talked(own, "Zanzibar9")
    exported = own.erasure.export(visitor)
    text = json.dumps(exported)
    for letter in "abcdeg":
        assert f"Zanzibar9{letter}" in text, letter
    assert "Zanzibar9f" not in text
    first = exported["conversations"][0]
    assert [m["role"] for m in first["messages"]] == ["user", "assistant"] * 2
    assert first["messages"][1]["generated_by"] == "AI"
    assert (first["messages"][1]["rating"], first["messages"][1]["why"]) == (-1, "Zanzibar9c")
    assert first["calls_for_a_person"][0]["contact"] == "Zanzibar9e@tea.example"
    assert exported["personal_data"][0]["value"] == "Zanzibar9b@tea.example"
    assert own.erasure.export(token_hex(16))["conversations"] == []
    own.close()


def test_every_table_has_an_owner_or_is_nobodys(own: App) -> None:
    """A new table with rows of visitors must name its owner in a column that erasing knows."""
    db = own.database.here
    covered = {*owned(db), "sessions"}
    assert {"messages", "replies", "citations", "ratings", "handoffs", "contacts"} <= covered
    assert {"originals", "offers"} <= covered
    for name, columns in ((t.name, t.columns_dict) for t in db.tables):
        words = {part for column in columns for part in column.split("_")}
        if name not in covered and not name.startswith("sqlite_"):
            assert not words & {"session", "reply", "visitor", "handoff", "message"}, name
    assert set(OWNERS.values()) <= covered
    own.close()


def test_old_conversations_expire_and_others_stay(own: App, tmp_path: Path) -> None:
    old, new = talked(own, "Zanzibar9"), talked(own, "Marmalade7")
    with own.database.write() as db:
        long_ago = (datetime.now(UTC) - timedelta(days=91)).isoformat(timespec="milliseconds")
        for table in ("sessions", "messages"):
            where = (
                "visitor = ?"
                if table == "sessions"
                else ("session_id IN (SELECT id FROM sessions WHERE visitor = ?)")
            )
            db.execute(f"UPDATE {table} SET created = ? WHERE {where}", [long_ago, old])
    assert own.erasure.expire(0).sessions == 0
    assert own.erasure.expire(92).sessions == 0
    assert own.erasure.expire(90).sessions == 2
    assert own.erasure.sessions(old) == [] and len(own.erasure.sessions(new)) == 2
    assert on_disk(tmp_path / "home", "Zanzibar9") == {}
    in_a_year = datetime.now(UTC) + timedelta(days=365)
    assert own.erasure.expire(90, now=in_a_year).sessions == 2
    own.close()


def test_a_conversation_that_goes_on_does_not_expire(own: App) -> None:
    visitor = token_hex(16)
    reply = own.assistant.reply(Incoming("hello", visitor))
    with own.database.write() as db:
        db.execute("UPDATE sessions SET created = '2020-01-01T00:00:00.000+00:00'")
    assert own.erasure.expire(30).sessions == 0
    assert own.erasure.sessions(visitor) == [reply.session_id]
    assert isinstance(own.erasure, Erasure)
    own.close()
