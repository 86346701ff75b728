"""Requests that schemathesis makes from the API's own description: none of them breaks anything.

Half of them name things that are there, so that bodies and parameters reach the code behind them.
"""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok

from chatbot.store import new_id
from chatbot.types import HandoffReason, Incoming
from tests.ui.conftest import Running, made
from ui import web
from ui.roles import KEY_SCOPES

pytestmark = pytest.mark.slow
EXAMPLES = int(os.environ.get("ZHIKE_EXAMPLES", "200"))  # of all operations together
PER_KEY = 400  # calls, below what one key may make in a minute


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A site of its own, as everything that can be changed or removed will be."""
    home = tmp_path_factory.mktemp("fuzz") / "home"
    app, made_settings = made(home, per_visitor_minute=100_000, per_address_minute=100_000)
    site = web.build(app, made_settings)
    yield Running("http://shop.example", site, app, "")
    app.close()


@pytest.fixture(scope="module")
def keys(fuzzed: Running) -> Iterator[str]:
    """A key that may everything, and a new one before its minute is used up."""

    def made() -> Iterator[str]:
        for number in itertools.count():
            if number % PER_KEY == 0:
                key = fuzzed.site.team.keys.add(f"fuzz {number}", KEY_SCOPES, "test")
            yield key

    return made()


@pytest.fixture(scope="module")
def there(fuzzed: Running) -> dict[str, Callable[[], str]]:
    """By path parameter: the id of something that exists."""
    app, visitor = fuzzed.app, new_id()
    hooks = fuzzed.site.team.webhooks  # allowed here and not by the site: nothing is sent
    hook, _ = hooks.add("http://127.0.0.1:9/", [], "test", loopback=True)

    def reply(rated: bool = True) -> str:
        made = app.assistant.reply(Incoming("Can I return opened tea?", visitor))
        if rated:
            app.rate(made.id, visitor, -1)
        return made.id

    def conversation() -> str:
        session = app.store.open_session(visitor, "api").id
        app.handovers.request(session, visitor, HandoffReason.CUSTOMER_REQUEST)
        return session

    def pair() -> str:
        return app.knowledge.approved.add(f"Is {new_id()} open?", "Yes.", (), "fuzz").id

    return {
        "reply_id": reply,
        "conversation_id": conversation,
        "session_id": conversation,
        "document_id": lambda: app.knowledge.documents()[0].id,
        "pair_id": pair,
        "webhook_id": lambda: hook.id,
        "visitor": lambda: visitor,
    }


def test_no_request_breaks_the_api(
    fuzzed: Running, keys: Iterator[str], there: dict[str, Callable[[], str]]
) -> None:
    seen: Counter[int] = Counter()  # answers by status
    own = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", fuzzed.site.asgi, config=own)
    results = list(described.get_all_operations())
    operations = [found.ok() for found in results if isinstance(found, Ok)]
    assert len(operations) == len(results), "the description is not valid"
    most = EXAMPLES * 5 // 4 // len(operations) + 1  # some have few different requests
    wrong = {}
    for operation in operations:
        requests = st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )

        @settings(
            max_examples=most,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.explicit, Phase.generate],  # what is found is short enough as it is
            derandomize=EXAMPLES <= 200,  # the same ones each time, where it is one of many tests
            suppress_health_check=list(HealthCheck),
        )
        @given(requests)
        def sent(case: schemathesis.Case[Any]) -> None:
            seen[call(case, next(keys), there)] += 1

        try:
            sent()
        except AssertionError as error:
            wrong[operation.label] = str(error)[:500]
    print(dict(seen))  # shown with -s
    assert not wrong, "\n".join(f"{label}: {why}" for label, why in wrong.items())
    assert sum(seen.values()) >= EXAMPLES
    right = sum(count for status, count in seen.items() if status < 300)
    assert right >= sum(seen.values()) // 20, f"too few did anything: {seen}"


def call(case: schemathesis.Case[Any], key: str, there: dict[str, Callable[[], str]]) -> int:
    """Send a request, half of the time about something that is there; the status of its answer."""
    chance = random.Random(repr((case.path_parameters, case.query, case.body)))
    for name in case.path_parameters:
        if name in there and chance.random() < 0.5:
            case.path_parameters[name] = there[name]()
    case.headers["Authorization"] = f"Bearer {key}"
    if chance.random() < 0.5:
        case.headers["X-Zhike-Visitor"] = there["visitor"]()
    answer = case.call()
    status, sent = answer.status_code, case.as_curl_command()
    assert status < 500, f"{answer.text} {sent}"
    unsigned = status == 403 and case.path.endswith("/widget/start")  # a made-up signature
    assert unsigned or status not in (401, 403, 429), (
        f"the request did not reach the route: {status} {sent}"
    )
    assert "Traceback" not in answer.text, sent
    if status >= 400:
        told = answer.json()
        if case.path.startswith("/v1/"):  # OpenAI's form
            assert told["error"]["message"].strip(), sent
        else:
            assert told["status"] == status and told["request_id"], sent
            assert told["detail"].strip() and "\n" not in told["detail"], f"{answer.text} {sent}"
    return int(status)
