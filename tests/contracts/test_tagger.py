"""What both engines of a tagger keep to: a run with its report, measured alike, and no pickle."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.errors import ModelError
from chatbot.spans import Span
from finetune import metrics, tagger_run
from finetune.errors import Cancelled, DatasetError, UnknownRun
from finetune.metrics import Metric
from finetune.registry import Run, opened
from finetune.spans import Marked, read
from finetune.tagger_run import Engine, TaggerJob, measured, split, trained
from tests.marked_texts import bookings, write
from tests.tiny_models import models_folder

SAFE = (".crfsuite", ".json", ".safetensors", ".txt")
ENGINES = ["crf", pytest.param("encoder", marks=pytest.mark.slow)]


def _run(folder: Path, texts: list[Marked], engine: Engine = "crf", name: str = "slots") -> Run:
    data = write(folder / "data.jsonl", texts)
    job = TaggerJob(folder / "home", models_folder(), data, engine, name=name, epochs=4)
    return tagger_run.run(job)


@pytest.fixture(scope="module", params=ENGINES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return _run(tmp_path_factory.mktemp("tagger"), bookings(), request.param)


def test_a_run_with_a_report(made: Run) -> None:
    assert made.state == "done" and made.preset == "entities" and made.task == "entities"
    report = made.card["report"]
    assert report["f1"] > 0.9 and set(report["by_type"]) == {"party", "booked_for"}
    folder = Path(str(made.path)).parent
    assert sorted(path.name for path in folder.iterdir()) == [metrics.FILE, "tagger"]
    told = [m.loss for m in metrics.read(folder) if m.loss is not None]
    assert told[-1] < told[0] / 2
    assert {path.suffix for path in (folder / "tagger").iterdir()} <= set(SAFE)


def test_held_out_texts_are_not_learnt_from_and_measured_alike(made: Run) -> None:
    data = Path(str(made.path)).parents[3] / "data.jsonl"
    train, held_out = split(read(data))
    assert not {m.text for m in train} & {m.text for m in held_out}
    assert made.card["dataset"]["held_out"] == len(held_out)
    assert measured(made, held_out) == made.card["report"]


def test_it_is_found_by_name_and_as_the_newest(made: Run) -> None:
    registry = opened(Path(str(made.path)).parents[2])
    assert trained(registry) == trained(registry, "slots") == made
    with pytest.raises(UnknownRun, match="no finished tagger 'other'"):
        trained(registry, "other")


def test_changed_files_are_refused(made: Run) -> None:
    file = max(Path(str(made.path)).iterdir(), key=lambda path: path.stat().st_size)
    before = file.read_bytes()
    try:
        file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        with pytest.raises(ModelError, match=r"not those that were trained\. Restore"):
            measured(made, bookings(count=1))
        file.unlink()
        with pytest.raises(ModelError, match="Restore"):
            measured(made, bookings(count=1))
    finally:
        file.write_bytes(before)


def test_chinese_is_learnt_by_characters(tmp_path: Path) -> None:
    run = _run(tmp_path, bookings("zh"))
    assert run.card["report"]["f1"] > 0.9
    asked = Marked("她想訂明天4個人18點的位子", (Span(5, 8, "party"), Span(8, 11, "booked_for")))
    assert measured(run, [asked])["f1"] == 1, "Traditional, learnt from Simplified"


def test_one_label_overlaps_and_odd_characters(tmp_path: Path) -> None:
    odd = "\ud800 \0 🍵 ﷽ a:b=c\\ "
    texts = [
        Marked(
            f"{odd}{m.text}", (Span(len(odd), len(odd) + 1, "who"), Span(0, len(odd) + 2, "who"))
        )
        for m in bookings(count=60)
    ]
    run = _run(tmp_path, texts)
    assert set(run.card["report"]["by_type"]) == {"who"}, "the span that begins first counts"
    assert measured(run, [Marked("", ()), Marked("   ", ())])["support"] == 0


def test_too_few_texts_leave_no_run(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="too few"):
        _run(tmp_path, bookings(count=3))
    assert opened(tmp_path / "home").list() == ()


def test_a_cancelled_run_ends_within_an_iteration(tmp_path: Path) -> None:
    told: list[Metric] = []

    def stop(metric: Metric) -> None:
        told.append(metric)
        if metric.step == 2:
            raise Cancelled("The run was asked to stop.")

    job = TaggerJob(tmp_path, models_folder(), write(tmp_path / "data", bookings()), name="slots")
    with pytest.raises(Cancelled, match="Run slots was cancelled"):
        tagger_run.run(job, stop)
    assert told[-1].step == 2 and opened(tmp_path).show("slots").state == "cancelled"
