"""A trained model finds what it was taught, says how sure it is, and survives its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chatbot.errors import ModelError
from chatbot.intents import calibration, model, report
from chatbot.intents.model import Model
from chatbot.intents.report import Report
from chatbot.intents.training import Examples, fit
from tests.chatbot.intents.texts import FAR, embedded, examples, sentences

Trained = tuple[Model, Report]


@pytest.fixture(scope="module")
def trained() -> Trained:
    return fit(examples(sentences()), embedded(FAR), "hand")


def best(fitted: Model, text: str) -> tuple[str, float, float]:
    """The first intent, its probability, and that of any of them."""
    texts = embedded([text])
    judged = fitted.judge(fitted.scores(texts.texts, texts.vectors))
    first = int(judged.intents[0].argmax())
    return fitted.names[first], float(judged.intents[0, first]), float(judged.scope[0])


def test_new_wordings_are_found(trained: Trained) -> None:
    for text, topic in [("my courier is late", "parcel"), ("operator please", "person")]:
        name, chance, scope = best(trained[0], text)
        assert name == topic
        assert chance > 0.5 and scope > trained[0].floors.scope


def test_what_is_none_of_them_lies_below_the_floor(trained: Trained) -> None:
    known = best(trained[0], "where is my courier parcel")[2]
    for text in ("dolphins are mammals", "violin concert in june"):
        assert best(trained[0], text)[2] < min(known, trained[0].floors.scope)


def test_the_report_is_measured_on_withheld_rows(trained: Trained) -> None:
    measured = trained[1]
    assert measured.accuracy is not None and measured.accuracy > 0.9
    assert 0 < measured.withheld <= 150
    assert measured.near_auroc is not None and measured.near_auroc > 0.7
    assert measured.far_auroc is not None and measured.far_auroc > measured.near_auroc - 0.05
    assert measured.kept is not None and measured.kept == pytest.approx(0.94, abs=0.02)
    assert sum(b["count"] for b in measured.reliability) == measured.withheld
    routed = [cost["routed"] for cost in measured.costs]
    assert routed == sorted(routed, reverse=True) and len(routed) > 10
    assert all(0 <= cost["wrong"] <= 1 for cost in measured.costs)
    assert set(measured.quality) == {"bill", "kettle", "money", "parcel", "person"}


def test_labels_that_lie_are_reported_as_a_confused_pair() -> None:
    rows = sentences()
    for n, (text, topic) in enumerate(rows):
        if topic == "money" and text.startswith("where"):
            rows[n] = (text, "bill")
    measured = fit(examples(rows), embedded(FAR), "hand")[1]
    worst = measured.pairs[0]
    assert {worst.own, worst.taken} == {"bill", "money"}
    assert all(rows[key - 1][1] == worst.own for key in worst.keys)


def test_a_turn_can_carry_two_intents() -> None:
    rows = sentences()
    taught = examples(rows)
    pairs = zip(rows, rows[60:], strict=False)
    texts = [*taught.rows.texts, *(f"{a} and also {b}" for (a, _), (b, _) in pairs)]
    both = np.concatenate([taught.labels, taught.labels[:90] | taught.labels[60:150]])
    many = Examples(taught.names, embedded(texts), both, np.arange(1, len(texts) + 1))
    fitted = fit(many, embedded(FAR), "hand")[0]
    asked = embedded(["my parcel courier, and also the kettle lid"])
    chances = fitted.judge(fitted.scores(asked.texts, asked.vectors)).intents[0]
    found = {name for name, chance in zip(fitted.names, chances, strict=True) if chance >= 0.5}
    assert found == {"parcel", "kettle"}


@pytest.mark.parametrize("shots", [1, 2])
def test_very_few_examples_give_a_model_with_cautious_floors(shots: int) -> None:
    rows = sentences()
    few = [row for n, row in enumerate(rows) if n % 30 < shots]
    fitted, measured = fit(examples(few), embedded(FAR), "hand")
    assert fitted.floors == calibration.CAUTIOUS
    assert best(fitted, "where is my parcel")[0] == "parcel"
    assert (measured.accuracy is None) == (shots == 1)


def test_one_intent_alone_can_be_learned() -> None:
    only = [row for row in sentences() if row[1] == "money"]
    fitted = fit(examples(only), embedded(FAR), "hand")[0]
    near = best(fitted, "is my refund at the bank")
    assert near[0] == "money" and near[2] > best(fitted, "dolphins are mammals")[2]


def test_the_same_examples_give_the_same_numbers(trained: Trained) -> None:
    again = fit(examples(sentences()), embedded(FAR), "hand")[0]
    assert np.array_equal(again.weights, trained[0].weights)
    assert again.floors == trained[0].floors


def test_a_stored_model_says_the_same(trained: Trained, tmp_path: Path) -> None:
    digest = model.save(trained[0], tmp_path / "model.npz")
    loaded = model.load(tmp_path / "model.npz", digest)
    assert (loaded.names, loaded.floors) == (trained[0].names, trained[0].floors)
    for text in ("where is my parcel", "dolphins are mammals"):
        assert best(loaded, text)[0] == best(trained[0], text)[0]
        assert best(loaded, text)[1:] == pytest.approx(best(trained[0], text)[1:], rel=1e-2)
    assert report.read(trained[1].as_dict()) == trained[1]


def test_a_changed_or_missing_file_is_refused(trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    digest = model.save(trained[0], path)
    with pytest.raises(ModelError, match="cannot be read"):
        model.load(tmp_path / "none.npz", digest)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match=r"SHA-256.*zhike intents train"):
        model.load(path, digest)
    path.write_bytes(b"no zip file")
    with pytest.raises(ModelError, match="cannot be read"):
        model.load(path, model.sha256(path))
