"""`zhike intents suggest`: unsure, different, and never what is taught or small talk."""

from __future__ import annotations

from .command import Run, documents, full, run

__all__ = ["documents", "full", "run"]
SAID = [
    "where is my parcel?",
    "the lid came loose and I would like something done about it",
    "the lid came loose and I would like something done about it!",
    "can you put my firm on it?",
    "my aunt moved, what now",
    "hello",
    "ok",
]


def test_what_is_unsure_and_different_is_suggested(full: Run) -> None:
    assert full("intents", "suggest", "--json").json == []
    assert "no message" in full("intents", "suggest").out
    for text in SAID:
        assert full("ask", text).status == 0
    found = full("intents", "suggest", "--json").json
    texts = [one["text"] for one in found]
    assert len({text.rstrip("!") for text in texts}) == len(texts)  # no twins
    assert "hello" not in texts and "ok" not in texts
    assert "where is my parcel?" not in texts  # an example of the packaged intents
    assert "my aunt moved, what now" in texts or "can you put my firm on it?" in texts
    assert all(0 <= one["uncertainty"] <= 1 and len(one["guesses"]) == 2 for one in found)
    assert len(full("intents", "suggest", "--limit", "1", "--json").json) == 1
    best = texts[0]
    assert full("intents", "example", "add", "warranty", best).status == 0
    again = full("intents", "suggest", "--json").json
    assert best not in [one["text"] for one in again]
