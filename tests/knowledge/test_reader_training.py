"""A short training run on a few pages: what it writes is what the reader computes with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from knowledge import reader_training as training
from knowledge.e5_file import E5File
from knowledge.errors import KnowledgeError
from knowledge.reader import Reader, passage_tokens, question_tokens

SAID = ["The K1 costs $79.", "It weighs 1.2 kg.", "The lid has a warranty of six months."]
ASKED = [("how much is it", [0]), ("how heavy?", [1]), ("how loud is it", [])]


def _line(i: int, language: str = "en") -> str:
    questions = [{"text": f"{text} {i}", "answer": answer} for text, answer in ASKED]
    page = {"language": language, "title": f"Kettle {i}", "heading": "Facts", "sentences": SAID}
    return json.dumps(page | {"questions": questions})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pages").mkdir()
    for language in ("en", "zh-Hans"):
        lines = [_line(i, language) for i in range(8)]
        (tmp_path / "pages" / f"{language}.jsonl").write_text("\n".join(lines), "utf-8")
    return tmp_path / "pages"


@pytest.mark.slow
def test_what_is_written_scores_as_the_learner_did(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learners: list[training.Learner] = []
    made = training.Learner

    def kept(file: E5File) -> training.Learner:
        learners.append(made(file))
        return learners[0]

    monkeypatch.setattr(training, "Learner", kept)
    told: list[str] = []
    report = training.train(folder, tmp_path / "reader.safetensors", 2, told.append)
    assert set(report) == {"en", "zh-Hans", "best sentence"}
    begun = [line.split(":")[0] for line in told]
    assert begun == ["as a plain cosine", "epoch 1 of 2", "epoch 2 of 2"]

    file, reader = E5File(), Reader(tmp_path / "reader.safetensors")
    ids, part = passage_tokens(file, "Kettle 1 › Facts", SAID)
    question = "how much is it"
    page = training.Page("en", tuple(ids), tuple(part), (), False)
    with torch.no_grad():
        theirs = learners[0]([tuple(question_tokens(file, question))], [page])[0].numpy()
    ours = reader.compare(reader.question(question), reader.passage("Kettle 1 › Facts", SAID), 3)
    assert np.allclose(ours, theirs, atol=0.1), (ours, theirs)  # halves on disk and in readings


def test_none_of_them_is_an_answer_too() -> None:
    answers = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    right = training.loss_of(torch.tensor([[-9.0, -9.0], [9.0, -9.0]]), answers)
    wrong = training.loss_of(torch.tensor([[9.0, -9.0], [-9.0, 9.0]]), answers)
    assert right < 0.01 < 5 < wrong


def test_answers_of_a_batch_stand_in_their_page(folder: Path) -> None:
    batch = training.pages(folder, E5File())[:2]
    answers = training.answers_of(batch)
    assert answers.shape == (6, 6)
    assert answers.nonzero().tolist() == [[0, 0], [1, 1], [3, 3], [4, 4]]


@pytest.mark.parametrize("line", ["{", "[]", '{"language": "en"}'])
def test_a_line_that_is_no_page_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "bad.jsonl").write_text(f"{_line(1)}\n{line}\n", "utf-8")
    with pytest.raises(KnowledgeError, match=r"bad\.jsonl:2: not a page"):
        training.pages(tmp_path, E5File())


def test_a_folder_without_pages_is_named(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no page to learn from"):
        training.pages(tmp_path, E5File())
