"""`zhike entities`: the team's products and places, listed, found in a text, removed."""

from __future__ import annotations

from pathlib import Path

from .command import Run, run

__all__ = ["run"]  # fixture


def test_names_are_listed_tried_and_removed(run: Run, home: Path) -> None:
    assert "No names yet" in run("entities", "list").out
    assert run("entities", "list", "--json").json == []
    added = run("entities", "add", "product", "盖碗", "--also", "gaiwan", "--also", "lidded bowl")
    assert added.status == 0 and "盖碗, gaiwan, lidded bowl: found" in added.out
    assert run("entities", "add", "place", "杭州").status == 0
    listed = run("entities", "list").out
    assert "also: gaiwan, lidded bowl" in listed and str(home / "entities.csv") in listed
    assert run("entities", "list", "--json").json == [
        {"kind": "product", "name": "盖碗", "also": ["gaiwan", "lidded bowl"]},
        {"kind": "place", "name": "杭州", "also": []},
    ]
    shown = run("entities", "test", "a gaiwann from 杭州").out
    assert "盖碗, read from 'gaiwann'" in shown and "place    杭州\n" in shown
    assert run("entities", "test", "a gaiwann", "--json").json == [
        {"start": 2, "end": 9, "text": "gaiwann", "exact": False, "kind": "product", "name": "盖碗"}
    ]
    assert "None of the listed" in run("entities", "test", "hello").out
    assert "盖碗: no longer" in run("entities", "remove", "Gaiwan").out
    gone = run("entities", "remove", "Gaiwan")
    assert gone.status == 1 and "zhike entities list" in gone.err


def test_a_bad_file_or_name_is_one_sentence(run: Run, home: Path) -> None:
    assert run("entities", "add", "colour", "red").status == 2
    assert run("entities", "add", "product", "x").err.startswith("zhike: 'x': a name has at least")
    home.mkdir(exist_ok=True)
    (home / "entities.csv").write_text("kind,name,also\nproduct\n", encoding="utf-8")
    for act in (["list"], ["add", "product", "K2"], ["remove", "K2"], ["test", "K2"]):
        done = run("entities", *act)
        assert done.status == 1 and done.err.count("\n") == 1
        assert f"{home / 'entities.csv'}, line 2: there are 1 cells" in done.err
    doctor = run("doctor")
    assert doctor.status == 1 and "entities.csv, line 2" in doctor.err
