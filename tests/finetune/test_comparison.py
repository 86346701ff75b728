"""Contenders side by side on a run's own held-out questions, and what promotion makes of it."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatbot.champions import Champion
from finetune import bounds, config, train
from finetune.comparison import abstaining, compare, interval, read
from finetune.errors import NotPromotable
from finetune.foundation import Foundation
from finetune.job import Job
from finetune.registry import Registry, opened
from finetune.wording import chrf, repetition
from tests.finetune.conftest import SAMPLES

QUICK = replace(config.load("smoke"), learning_rate=2e-2, epochs=1)


@pytest.fixture(scope="module")
def registry(packaged: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Of a home with one finished run of a tiny model."""
    home = tmp_path_factory.mktemp("compared") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "load", lambda name: QUICK)
        train.run(Job(home, packaged, (SAMPLES / "en-messages.jsonl",), name="a", model=str(tiny)))
    return opened(home)


@pytest.fixture(scope="module")
def result(registry: Registry, packaged: Path, tiny: Path) -> dict[str, Any]:
    run = registry.show("a")
    assert run.path and run.sha256
    champion = Champion("twin", run.path, run.sha256, 1.0)
    base = Foundation.of(packaged, str(tiny))
    return compare(run, registry.folder("a"), base, champion, limit=3)


@pytest.mark.slow
def test_contenders_are_measured_on_the_same_questions(
    registry: Registry, result: dict[str, Any]
) -> None:
    base, champion, candidate = (
        result["contenders"][name] for name in ("base", "champion", "candidate")
    )
    assert candidate["loss"] < base["loss"]
    assert candidate["unrelated_loss"] != base["unrelated_loss"]
    assert candidate["loss"] == champion["loss"], "the same files under another name"
    assert result["against"]["champion"]["loss"] == [0, 0, 0]
    asked = [[row["question"] for row in rows] for rows in result["replies"].values()]
    assert asked[0] == asked[1] == asked[2] and len(asked[0]) == 3
    assert result["stored_loss"] == pytest.approx(registry.show("a").adapter_loss, rel=0.02)


@pytest.mark.slow
def test_promotion_heeds_the_comparison(registry: Registry, result: dict[str, Any]) -> None:
    bad = copy.deepcopy(result)
    bad["contenders"]["candidate"]["unrelated_loss"] = (
        1.2 * bad["contenders"]["base"]["unrelated_loss"]
    )
    registry.compared("a", bad)
    with pytest.raises(NotPromotable, match=r"It forgets: .* 20\.0% above"):
        registry.promote("a")
    assert registry.serving() is None


def test_questions_of_an_older_run_cannot_be_asked_again(tmp_path: Path) -> None:
    (tmp_path / "held_out.jsonl").write_text('{"question": "?"}\n', encoding="utf-8")
    assert read(tmp_path / "held_out.jsonl") == read(tmp_path / "gone.jsonl") == []


def figures(**changes: float | None) -> dict[str, float | None]:
    good = {"unrelated_loss": 3.0, "stop_rate": 1.0, "supported": 1.0, "right_abstain": 1.0}
    return good | {"language": 1.0, "answered": 1.0, "replies": 20} | changes


def card(stored: float = 2.0, loss: float = -0.2, **changes: float | None) -> dict[str, Any]:
    row = {"question": "Do you open on Mars?", "reply": "Yes, daily.", "answerable": False}
    row |= {"abstained": False, "stopped": False, "supported": False, "language": False}
    return {
        "evaluation": {"adapter_loss": 2.0},
        "comparison": {
            "stored_loss": stored,
            "contenders": {"base": figures(), "candidate": figures(**changes)},
            "against": {"base": {"loss": [loss, loss - 0.1, loss + 0.1]}},
            "replies": {"candidate": [row]},
        },
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"unrelated_loss": 3.4}, "forgets"),
        ({"stop_rate": 0.85}, "85% of its replies end by themselves, e.g. to “Do you open on Mars"),
        ({"right_abstain": 0.8}, "does not answer: 80%, the base 100%, e.g. to “Do you open"),
        ({"answered": 0.5}, "that it answers: 50%"),
        ({"supported": 0.9}, "passages support: 90%"),
        ({"language": 0.5}, "customer's language: 50%"),
        ({"loss": 0.2}, "0.200 above the base's"),
        ({"stored": 2.1}, "On disk"),
    ],
)
def test_each_reason_is_said_with_its_case(changes: dict[str, float], said: str) -> None:
    (failure,) = bounds.failures(card(**changes))
    assert said in failure


def test_what_is_within_its_bounds_passes() -> None:
    assert bounds.failures(card()) == ()
    assert bounds.failures(card(unrelated_loss=3.2, supported=None, language=0.95, loss=0.05)) == ()
    assert bounds.failures({}) == ()


def test_chrf_and_repetition() -> None:
    assert chrf("Ships in 3 days.", "Ships in 3 days.") == pytest.approx(1)
    assert chrf("七天内可以退货", "七天内可以退货") == pytest.approx(1)
    assert chrf("", "x") == chrf("abc", "xyz") == 0
    # One of two characters and no bigram: precision and recall .25 over orders 1 and 2.
    assert chrf("ab", "ac") == pytest.approx(0.25)
    assert chrf("It ships in 3 days", "It ships in 5 days") > chrf("No idea", "It ships in 5 days")
    assert repetition("a b c d a b c d a b c d") == pytest.approx(1 - 4 / 9)
    assert repetition("short") == repetition("one two three four five") == 0


def test_abstaining_in_our_words_or_its_own() -> None:
    ours = "I can't find a reliable answer to that in our documents, so I'll ask a colleague."
    assert abstaining(ours, "en") and abstaining("I don't know, I'll ask a colleague.", "en")
    assert abstaining("抱歉，我在资料里没有找到可靠的答案，需要转接人工客服吗？", "zh-Hans")
    assert not abstaining("Opened tea cannot be returned, but a colleague can help.", "en")


def test_the_interval_holds_the_mean_and_narrows_with_more_questions() -> None:
    few, many = interval([0.0, 1.0] * 5), interval([0.0, 1.0] * 200)
    assert few[1] < few[0] == 0.5 < few[2]
    assert many[2] - many[1] < (few[2] - few[1]) / 3
