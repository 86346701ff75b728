"""The desk's insights: pictures of real turns, their figures as CSV, for staff only."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.ui.conftest import PASSWORD, made
from ui import web
from ui.labels import Labels
from ui.pages.insight_pictures import LONGEST
from ui.pages.insights import InsightsTab

CHARTS = ("days", "actions", "ends", "reasons", "intents", "times", "gaps")
FORMULA = "=1+1 do you sell bicycles"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, InsightsTab]]:
    app, settings = made(tmp_path_factory.mktemp("insights"))
    site = web.build(app, settings)
    client = TestClient(site.asgi)
    for text in ("Can I return opened tea?", FORMULA, "普通快递多少钱？"):
        assert client.post("/api/v1/chat", json={"text": text}).status_code == 200
    token = site.accounts.setup_token()
    form = {"token": token, "password": PASSWORD, "again": PASSWORD}
    client.post("/desk/setup", data=form)
    yield client, InsightsTab(app, Labels())
    app.close()


def rows(client: TestClient, **query: object) -> list[list[str]]:
    answer = client.get("/desk/insights.csv", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_every_picture_has_its_figures(desk: tuple[TestClient, InsightsTab]) -> None:
    client, _ = desk
    for chart in CHARTS:
        head, *body = rows(client, chart=chart)
        assert len(head) >= 2 and (body or chart == "reasons")
        assert all(len(row) == len(head) for row in body)
    assert ["quote", "2"] in rows(client, chart="actions")
    assert rows(client, chart="days", days=7)[-1][1:] == ["3", "3"]
    assert ["quote", "1"] in rows(client, chart="actions", language="zh")


def test_a_cell_is_no_formula(desk: tuple[TestClient, InsightsTab]) -> None:
    client, _ = desk
    (gap,) = [row for row in rows(client, chart="gaps") if "bicycles" in row[0]]
    assert not gap[0].startswith("=")


@pytest.mark.parametrize(
    "query", [{}, {"chart": "other"}, {"chart": "days", "days": 0}, {"chart": "days", "days": 9999}]
)
def test_what_does_not_exist_is_refused(
    desk: tuple[TestClient, InsightsTab], query: dict[str, object]
) -> None:
    client, _ = desk
    assert client.get("/desk/insights.csv", params=query).status_code == 422  # type: ignore[arg-type]


def test_strangers_get_nothing(desk: tuple[TestClient, InsightsTab]) -> None:
    client, _ = desk
    stranger = TestClient(client.app)
    assert stranger.get("/desk/insights.csv", params={"chart": "gaps"}).status_code == 401


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_the_page_draws_what_happened(desk: tuple[TestClient, InsightsTab], language: str) -> None:
    page = desk[1]._choose(language, 7, "")
    (shown,) = page.values()
    pictures = [base64.b64decode(p).decode() for p in re.findall(r"base64,([^\"]+)", shown)]
    assert len(pictures) == 2 and all(p.startswith("<svg") for p in pictures), "days, twice"
    bars = [float(share) for share in re.findall(r'<i style="width:([\d.]+)%"', shown)]
    assert len(bars) >= 4 and max(bars) == LONGEST and min(bars) > 0
    assert (">intent<" in shown) is (language == "en"), "stages are named in every language"
    assert "do you sell bicycles" in shown and "insights." not in re.sub(r"/desk/\S+", "", shown)
