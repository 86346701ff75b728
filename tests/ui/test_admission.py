"""/v1 asks for an API key where the settings say so, and wherever others than this machine hear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.ui.conftest import PASSWORD, Running, listening, made
from ui import admission, web
from ui.settings import ServerSettings

TEA = "Can I return opened tea?"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose /v1 asks for keys."""
    app, settings = made(tmp_path_factory.mktemp("v1") / "home", v1_keys=True)
    site = web.build(app, settings)
    token = site.accounts.setup_token()
    assert token is not None
    site.accounts.set_up(token, PASSWORD, "here")
    with listening(site) as url:
        yield Running(url, site, app, token)
    app.close()


def client(locked: Running, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{locked.url}/v1", api_key=key, max_retries=0)


def ask(program: openai.OpenAI, user: str = "ann") -> str:
    answer = program.chat.completions.create(
        model="zhike", messages=[{"role": "user", "content": TEA}], user=user
    )
    return str(answer.choices[0].message.content)


def test_the_official_client_sends_its_key(locked: Running) -> None:
    key = locked.site.team.keys.add("shop", ["chat"], "admin")
    program = client(locked, key)
    assert [model.id for model in program.models.list()] == ["zhike"]
    assert "cannot be returned" in ask(program)
    stream = program.chat.completions.create(
        model="zhike", messages=[{"role": "user", "content": TEA}], stream=True
    )
    said = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "cannot be returned" in said


def test_without_a_valid_key_nothing_is_answered(locked: Running) -> None:
    keys = locked.site.team.keys
    revoked = keys.add("gone", ["chat"], "admin")
    keys.revoke(keys.all()[0].id, "admin")
    for wrong in ("none", "zk_guessed", revoked):
        with pytest.raises(openai.AuthenticationError) as caught:
            ask(client(locked, wrong))
        assert caught.value.type == "authentication_error"
        with pytest.raises(openai.AuthenticationError):
            client(locked, wrong).models.list()
        with pytest.raises(openai.AuthenticationError):
            client(locked, wrong).models.retrieve("zhike")
    reader = keys.add("reader", ["knowledge:read"], "admin")
    with pytest.raises(openai.PermissionDeniedError, match="lacks the scope 'chat'"):
        ask(client(locked, reader))


def test_the_key_comes_before_the_body(locked: Running) -> None:
    import httpx

    answer = httpx.post(f"{locked.url}/v1/chat/completions", json={"nonsense": 1})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["type"] == "authentication_error"


def test_two_programs_have_two_anns(locked: Running) -> None:
    """Whatever visitor a program claims to be: its conversations are those of its key."""
    keys, visitor = locked.site.team.keys, {"X-Zhike-Visitor": "0" * 32}
    owners, sessions = [], []
    for name in ("one", "two"):
        program = client(locked, keys.add(name, ["chat"], "admin"))
        raw = program.chat.completions.with_raw_response.create(
            model="zhike", messages=[{"role": "user", "content": TEA}], extra_headers=visitor
        )
        owners.append(raw.headers["x-zhike-visitor"])
        sessions.append(raw.headers["x-zhike-session"])
    assert len({*owners, "0" * 32}) == 3
    with pytest.raises(openai.NotFoundError):
        program.chat.completions.create(
            model="zhike",
            messages=[{"role": "user", "content": TEA}],
            extra_headers={"X-Zhike-Session": sessions[0]},
        )


@pytest.mark.parametrize(
    ("host", "open_"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.7", False), ("shop.example", False)],
)  # fmt: skip
def test_beyond_this_machine_a_key_is_always_asked_for(
    host: str, open_: bool, locked: Running
) -> None:
    from fastapi import HTTPException, Request

    scope = {"type": "http", "headers": [], "method": "GET", "path": "/v1/models"}
    admit = admission.admission(locked.site.team.keys, ServerSettings(host=host))
    if open_:
        assert len(admit(Request(scope))) == 32
        return
    with pytest.raises(HTTPException) as caught:
        admit(Request(scope))
    assert caught.value.status_code == 401


def test_a_revoked_key_works_nowhere(running: Running, tmp_path: Path) -> None:
    """On this machine none is needed, but one that is sent is checked."""
    with pytest.raises(openai.AuthenticationError):
        ask(client(running, "zk_revoked"))
    assert "cannot be returned" in ask(client(running, "none"))
