"""`zhike intents` and `zhike evaluate intent`, and the pictures of the desk's tab."""

from __future__ import annotations

import base64
import csv
import re
from pathlib import Path

import pytest

from chatbot.intent import Guess, Look
from chatbot.intents.calibration import CAUTIOUS
from chatbot.intents.labelled import KEYS
from chatbot.intents.report import Pair, Report
from ui.pages import intent_pictures as pictures
from ui.texts import LANGUAGES, texts

from .command import Run, run

__all__ = ["run"]  # a fixture


def test_a_team_edits_its_intents(run: Run, tmp_path: Path) -> None:
    add = ("intents", "add", "parking", "--description", "Where to park", "--example", "car park?")
    assert run(*add).status == 0
    assert run("intents", "example", "add", "parking", "where can I park", "停车").status == 0
    assert run("intents", "example", "remove", "parking", "停车").status == 0
    assert run("intents", "edit", "parking", "--route", "person", "--name", "car park").status == 0
    shown = run("intents", "show", "car park", "--json").json
    assert (shown["route"], shown["description"]) == ("person", "Where to park")
    assert shown["examples"] == ["car park?", "where can I park"]
    exported = tmp_path / "mine.toml"
    assert run("intents", "export", exported).status == 0
    assert run("intents", "remove", "car park").status == 0
    rows = run("intents", "list", "--json").json
    assert "car park" not in {row["name"] for row in rows}
    assert all(row["examples"] > 0 and 0 <= row["recall"] <= 1 for row in rows)
    assert run("intents", "import", exported).status == 0
    assert run("intents", "show", "car park", "--json").json == shown


def test_a_csv_file_adds_examples_and_keeps_routes(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    path.write_text("text,intent\nring me back please,person\nlift?,parking|store\n", "utf-8")
    assert run("intents", "import", path).out.startswith("imported   3 intents, 3 examples")
    person = run("intents", "show", "person", "--json").json
    assert person["route"] == "person" and person["examples"][-1] == "ring me back please"
    assert run("intents", "show", "parking", "--json").json["examples"] == ["lift?"]


def test_a_sentence_is_tried(run: Run) -> None:
    found = run("intents", "test", "where is my parcel", "--json").json
    assert found["pattern"] is None and found["guesses"][0]["name"] == "shipping"
    assert found["verdict"] in ("sure", "unsure") and 0 <= found["scope"] <= 1
    assert run("intents", "test", "where is my parcel").out.count("%") > 5
    assert run("intents", "test", "转人工", "--json").json["pattern"] == "person"
    pairs = run("intents", "confusions", "--json").json
    assert all(pair["examples"] for pair in pairs)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "x"), "no intent 'x'"),
        (("add", "refund"), "'refund' already"),
        (("add", "x", "--route", "approved"), "needs the question"),
        (("add", "x", "--example", " "), "needs a text"),
        (("add", "x", "--example", "我要退货"), "belongs to 'return'"),
        (("example", "add", "refund", "我要退货"), "belongs to 'return'"),
        (("example", "remove", "refund", "x"), "no example 'x'"),
        (("remove", "x"), "no intent 'x'"),
        (("test", "\t "), "no text"),
        (("import", "none.toml"), "cannot be read"),
        (("import", "none.csv"), "cannot be read"),
        (("rollback",), "nothing to roll back"),
        (("promote", "intents-x"), "no intent model 'intents-x'"),
        (("promote", "../intents"), "zhike intents models"),
    ],
)
def test_mistakes_are_one_sentence(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run("intents", *arguments)
    assert done.status == 1 and said in done.err and done.err.count("\n") == 1


def test_a_model_that_is_kept_serves_again(run: Run, home: Path) -> None:
    (packaged,) = run("intents", "models", "--json").json
    assert packaged["serving"] and packaged["accuracy"] > 0.8
    assert run("intents", "add", "parking", "--example", "car park?").status == 0
    assert run("intents", "train").status == 0
    trained, last = run("intents", "models", "--json").json
    assert trained["serving"] and trained["intents"] == packaged["intents"] + 1
    assert last == packaged | {"serving": False}
    assert run("intents", "promote", packaged["name"]).out == f"promoted   {packaged['name']}\n"
    assert run("intents", "models").out.splitlines()[1].startswith(f"* {packaged['name']}")
    assert run("intents", "rollback").out.startswith(trained["name"])
    (home / "intents" / "broken").mkdir()
    (home / "intents" / "broken" / "card.json").write_text("[]", "utf-8")
    assert len(run("intents", "models", "--json").json) == 2
    (home / "intents" / trained["name"] / "model.npz").write_bytes(b"damaged")
    done = run("intents", "promote", trained["name"])
    assert done.status == 1 and "cannot be read" in done.err


def test_a_file_that_is_no_toml(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("= 1", "utf-8")
    done = run("intents", "import", tmp_path / "bad.toml")
    assert done.status == 1 and "no TOML file" in done.err


@pytest.mark.slow
def test_evaluate_intent_prints_what_is_promised(run: Run, tmp_path: Path) -> None:
    topics = {
        "shipping": ["where is my parcel", "when will it arrive", "delivery time please"],
        "refund": ["money back please", "when is my refund", "I want my money returned"],
        "oos": ["who is the president", "bake a cake"],
    }
    for name, start in (("train", 0), ("test", 1)):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            rows = [(t, label) for label, ts in topics.items() for t in ts[start : start + 2]]
            csv.writer(file).writerows([("text", "intent"), *rows])
    files = ("--train", tmp_path / "train.csv", "--test", tmp_path / "test.csv")
    done = run("evaluate", "intent", *files, "--out-of-scope", "oos", "--json")
    assert done.status == 0, done.err
    assert list(done.json) == list(KEYS) and done.json["in_scope_accuracy"] >= 0.75
    few = run("evaluate", "intent", *files, "--shots", "1", "--seeds", "2")
    assert few.status == 0 and "oos_auroc          –" in few.out
    wrong = run("evaluate", "intent", "--train", tmp_path, "--test", tmp_path)
    assert wrong.status == 1 and "cannot be read" in wrong.err


REPORT = Report(
    2,
    50,
    accuracy=0.9,
    calibration_error=0.03,
    kept=0.94,
    pairs=[Pair("<q>", "b", 2, ())],
    reliability=[
        {"chance": 0.5, "right": 0.6, "count": 9},
        {"chance": 1.0, "right": 1, "count": 1},
    ],
    floors={"confidence": 0.5},
    costs=[
        {"confidence": 0.0, "routed": 0.9, "wrong": 0.2},
        {"confidence": 0.5, "routed": 0.4, "wrong": 0.1},
    ],
)
LOOK = Look((Guess("<i>", 0.9, "like <u>", 0.8), Guess("b", 0.05, "", 0.1)), 0.9, "sure", CAUTIOUS)


class NoExamples:
    def example(self, key: int) -> None:
        return None


def test_the_floor_that_serves_is_the_large_dot() -> None:
    (data,) = re.findall(r"base64,([^\"]+)", pictures.costs(REPORT, texts("en")))
    dots = re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r="(\d)"', base64.b64decode(data).decode())
    assert [dot[2] for dot in dots] == ["3", "8"]
    assert float(dots[0][0]) > float(dots[1][0])  # more turns are decided without a floor
    assert float(dots[0][1]) < float(dots[1][1])  # and more of them wrongly: higher up


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_escape_what_staff_wrote(language: str) -> None:
    words = texts(language)
    shown = [
        pictures.state(REPORT, True, words),
        pictures.pairs(REPORT, NoExamples(), words),  # type: ignore[arg-type]
        pictures.reliability(REPORT, words),
        pictures.costs(REPORT, words),
        pictures.tried(LOOK, [("<s>", 0.5)], words),
        *(pictures.tried(LOOK, (), words) for _ in "x"),
    ]
    assert all("\n" not in html and "{" not in html for html in shown)
    for raw in ("<q>", "<i>", "<u>", "<s>"):
        assert not any(raw in html for html in shown)
    for nothing in (None, Report(2, 0)):
        assert "hint" in pictures.state(nothing, False, words)
        assert "hint" in pictures.pairs(nothing, NoExamples(), words)  # type: ignore[arg-type]
        assert pictures.reliability(nothing, words) == pictures.costs(nothing, words) == ""
