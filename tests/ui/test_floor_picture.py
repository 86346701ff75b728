"""What the floor costs, on the health page, and a floor of the team's own."""

from __future__ import annotations

import base64
import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from knowledge import reader
from knowledge.database import Database
from knowledge.embedder import PackagedE5
from knowledge.errors import KnowledgeError
from knowledge.evidence import EvidenceScorer, with_prior
from knowledge.settings import KnowledgeSettings
from knowledge.weights import LanguageWeights, Weights, load
from ui.pages.floor_picture import shown
from ui.texts import texts


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "zhike.db")


def _scorer(
    database: Database, embedder: PackagedE5, weights: Weights | None, floor: float = 0.0
) -> EvidenceScorer:
    return EvidenceScorer(database, embedder, reader.packaged(), weights, None, 0.67, floor)


def _pictures(page: str) -> list[str]:
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    return [base64.b64decode(one).decode() for one in found]


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_both_distributions_stand_around_the_floor(
    database: Database, embedder: PackagedE5, language: str
) -> None:
    scorer = _scorer(database, embedder, load())
    page = shown(scorer, texts(language))
    english, chinese = _pictures(page)
    for picture, name in ((english, "en"), (chinese, "zh")):
        model = load().languages[name]
        kept, refused = model.shares(model.floor)
        assert picture.count("<rect") == 40
        assert f"{kept:.0%}" in picture and f"{refused:.0%}" in picture
    rows = re.findall(r"<tr>(.*?)</tr>", page)[1:]
    assert len(rows) == 9
    table = [[int(n) for n in re.findall(r"(\d+)%", row)] for row in rows]
    columns = [[row[i] for row in table] for i in range(5)]
    assert columns[0] == list(range(10, 100, 10))
    for answered, left in ((columns[1], columns[2]), (columns[3], columns[4])):
        assert answered == sorted(answered, reverse=True)  # a higher floor answers less
        assert left == sorted(left) and left[-1] > left[0]


def test_weights_of_before_say_so(database: Database, embedder: PackagedE5) -> None:
    packaged = load()
    old = {n: LanguageWeights(m.sentence, m.floor) for n, m in packaged.languages.items()}
    for weights in (None, dataclasses.replace(packaged, languages=old)):
        page = shown(_scorer(database, embedder, weights), texts("en"))
        assert "zhike knowledge calibrate" in page and "<img" not in page


def test_the_share_of_each_side_is_counted() -> None:
    packaged = load().languages["en"]
    model = dataclasses.replace(
        packaged, answerable=np.array([0.2, 0.6, 0.9, 0.9]), unanswerable=np.array([0.1, 0.6])
    )
    assert model.shares(0.0) == (1.0, 0.0)
    assert model.shares(0.6) == (0.75, 0.5)  # at the floor is answered
    assert model.shares(0.95) == (0.0, 1.0)


def test_a_floor_of_the_teams_own_is_the_floor_of_every_language(
    database: Database, embedder: PackagedE5
) -> None:
    packaged = load()
    assert _scorer(database, embedder, packaged).floor(packaged.of("en")) == pytest.approx(
        with_prior(packaged.of("en").floor, 0.67)
    )
    own = _scorer(database, embedder, packaged, 0.4)
    assert own.floor(packaged.of("en")) == own.floor(packaged.of("zh-Hans")) == 0.4
    assert (
        own.score("Anything?", np.zeros((1, embedder.dimension), np.float32), [], "en").floor == 0.4
    )
    assert "40%" in _pictures(shown(own, texts("en")))[0]


@pytest.mark.parametrize("floor", [-0.1, 1.1])
def test_a_floor_outside_the_range_is_refused(floor: float) -> None:
    with pytest.raises(KnowledgeError, match=r"knowledge\.floor is a share from 0 to 1"):
        KnowledgeSettings(floor=floor)
