"""/metrics and the log: figures and closed words, for those who may, never what people wrote."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from chatbot.errors import SettingsError
from tests.ui.conftest import made
from ui import web
from ui.logs import JsonLines
from ui.metrics import Metered, kind_of

WORDS = "my secret teapot marker"


@pytest.fixture(scope="module")
def metered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metered]:
    app, settings = made(tmp_path_factory.mktemp("metrics"))
    yield Metered(web.build(app, settings).asgi, app)
    app.close()


@pytest.fixture
def near(metered: Metered) -> TestClient:
    return TestClient(metered, client=("127.0.0.1", 50000))


def figures(text: str) -> dict[str, float]:
    """Name and labels to value."""
    return {
        f"{s.name}{json.dumps(s.labels, sort_keys=True)}": s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


def test_a_turn_shows_in_the_figures(near: TestClient) -> None:
    before = figures(near.get("/metrics").text)
    asked = near.post("/api/v1/chat", json={"text": "Can I return opened tea?"})
    assert asked.status_code == 200
    near.get("/nothing-here")
    after = figures(near.get("/metrics").text)

    def gained(name: str, **labels: str) -> float:
        key = f"{name}{json.dumps(labels, sort_keys=True)}"
        return after.get(key, 0) - before.get(key, 0)

    assert gained("zhike_http_requests_total", kind="api", method="POST", status="200") == 1
    assert gained("zhike_http_requests_total", kind="page", method="GET", status="404") == 1
    assert gained("zhike_http_request_seconds_count", kind="api") == 1
    replies = {k: v - before.get(k, 0) for k, v in after.items() if k.startswith("zhike_replies{")}
    assert sum(replies.values()) == 1
    assert any(v == 1 and '"language": "en"' in k for k, v in replies.items())
    assert gained("zhike_conversations", state="bot") == 1
    assert after["zhike_documents{}"] == 3
    assert any(k.startswith("zhike_turn_step_seconds_sum") for k in after)
    assert after["zhike_http_requests_open{}"] == 0


def test_no_word_of_a_customer_gets_in(near: TestClient) -> None:
    near.post("/api/v1/chat", json={"text": WORDS})
    near.get(f"/{WORDS}")
    near.request("SECRETVERB", "/")
    text = near.get("/metrics").text
    assert "teapot" not in text and "SECRETVERB" not in text


def test_others_are_refused(metered: Metered) -> None:
    far = TestClient(metered, client=("10.1.2.3", 50000))
    assert far.get("/metrics").status_code == 403
    through = TestClient(metered, client=("127.0.0.1", 50000))
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert through.get("/metrics", headers={header: "10.1.2.3"}).status_code == 403


def test_a_token_opens_it_from_anywhere(metered: Metered, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("tall-order-77\n")
    app, settings = made(tmp_path / "home")
    try:
        asgi = Metered(web.build(app, settings).asgi, app, str(tmp_path / "token"))
        far = TestClient(asgi, client=("10.1.2.3", 50000))
        good = {"Authorization": "Bearer tall-order-77"}
        assert far.get("/metrics", headers=good).status_code == 200
        for bad in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "tall-order-77"}):
            assert far.get("/metrics", headers=bad).status_code == 403
        near = TestClient(asgi, client=("127.0.0.1", 50000))
        assert near.get("/metrics").status_code == 403
    finally:
        app.close()


def test_a_token_file_that_is_no_use_is_named(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home")
    try:
        asgi = web.build(app, settings).asgi
        with pytest.raises(SettingsError, match=r"none: cannot be read"):
            Metered(asgi, app, str(tmp_path / "none"))
        (tmp_path / "empty").write_text("\n")
        with pytest.raises(SettingsError, match=r"empty: the file is empty"):
            Metered(asgi, app, str(tmp_path / "empty"))
    finally:
        app.close()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "page"),
        ("/api/v1/chat", "api"),
        ("/desk/login", "desk"),
        ("/healthz", "probe"),
        ("/gradio_api/queue/join", "page"),
        ("/ui-static/page.css", "static"),
        ("/v1/models", "openai"),
    ],
)
def test_addresses_have_few_kinds(path: str, kind: str) -> None:
    assert kind_of(path) == kind


def test_a_line_of_the_log_is_json_and_names_the_call(near: TestClient) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    access = logging.getLogger("zhike.access")
    access.addHandler(handler)
    level = access.level
    access.setLevel(logging.INFO)
    try:
        answer = near.post("/api/v1/chat", json={"text": WORDS})
    finally:
        access.removeHandler(handler)
        access.setLevel(level)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    (line,) = lines
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["kind"], line["method"], line["status"]) == ("api", "POST", 200)
    assert line["level"] == "info" and line["ms"] > 0
    assert "teapot" not in written.getvalue()


def test_an_error_is_one_line_with_its_traceback() -> None:
    try:
        raise ValueError("broken 破")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "bad %s", ("day",), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["message"] == "bad day" and "ValueError: broken 破" in entry["error"]
