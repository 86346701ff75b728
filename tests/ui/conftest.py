"""A small home behind the real web application, in the process and on a port."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.testclient import TestClient

from chatbot.app import App, build
from chatbot.settings import ChatbotSettings
from knowledge.settings import KnowledgeSettings
from ui import web
from ui.settings import ServerSettings, Settings

PASSWORD = "harbour lantern quilt 88"
MARK = "https://tea.example/returns"
DOCUMENTS = {
    "returns.md": (
        "# Returns\n\n## Opened tea\n\nOpened tea cannot be returned, unless it has a quality "
        f"problem. The form is at {MARK} on our site.\n\n## Kettles\n\nAn unused kettle can be "
        "returned within 30 days of receipt.\n"
    ),
    "shipping.md": (
        "# 配送说明\n\n## 普通快递\n\n普通快递运费 10 元，满 99 元包邮，2 到 4 天送达。\n\n"
        "## 特快\n\n特快运费 22 元，江浙沪次日送达。\n"
    ),
    "faq.csv": (
        "question,answer\nCan I return opened tea?,Opened tea cannot be returned.\n"
        "普通快递多少钱？,普通快递运费 10 元，满 99 元包邮。\n"
    ),
}


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens, and the application behind it."""

    url: str
    site: web.Web
    app: App
    token: str  # one-time, unless a password was set


def made(
    home: Path,
    chatbot: ChatbotSettings | None = None,
    knowledge: KnowledgeSettings | None = None,
    **server: object,
) -> tuple[App, Settings]:
    """An app over a home with a few documents; answers are quoted, no model writes."""
    folder = home / "documents"
    folder.mkdir(parents=True)
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    settings = Settings(
        home=home,
        models=home / "no-models",
        samples=False,
        knowledge=knowledge or KnowledgeSettings(),
        chatbot=chatbot or ChatbotSettings(generator="none"),
        server=ServerSettings(**server),  # type: ignore[arg-type]
    )
    app = build(home, settings.models, settings.knowledge, settings.chatbot)
    for result in app.knowledge.add([folder]):
        assert result.error is None, result
    return app, settings


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server on a free port of this machine."""
    app, settings = made(
        tmp_path_factory.mktemp("web") / "home", per_visitor_minute=200, per_address_minute=5_000
    )
    site = web.build(app, settings)
    token = site.accounts.setup_token()
    assert token is not None
    with listening(site) as url:
        yield Running(url, site, app, token)
    app.close()


class listening:
    """Serve a site on a free port while the block runs; gives its URL."""

    def __init__(self, site: web.Web) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        config = uvicorn.Config(site.asgi, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> str:
        self._thread.start()
        url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                httpx.get(f"{url}/healthz").raise_for_status()
                return url
            except httpx.TransportError:
                time.sleep(0.05)
        raise TimeoutError("the server did not answer")

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


@pytest.fixture
def client(running: Running) -> Iterator[TestClient]:
    """Calls into the same application, without a cookie."""
    with TestClient(
        running.site.asgi, base_url="http://shop.example", raise_server_exceptions=False
    ) as client:
        client.cookies.clear()
        yield client


@pytest.fixture
def staff(running: Running, client: TestClient) -> TestClient:
    """The same, logged in."""
    accounts = running.site.accounts
    if accounts.ready():  # an address of its own, so that the limits of other tests do not count
        session = accounts.log_in("admin", PASSWORD, secrets.token_hex(4))
    else:
        session = accounts.set_up(running.token, PASSWORD, secrets.token_hex(4))
    client.cookies.set("zhike_desk", session)
    return client
