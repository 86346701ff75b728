"""The web application: customers at /, staff at /desk, programs at /api/v1, behind one guard."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

# Read by Gradio when it is imported: no telemetry.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from chatbot.app import App
from ui import api, desk_events, downloads, openai_api, problems, roles, widget
from ui.accounts import Accounts
from ui.admission import admission
from ui.availability import Availability
from ui.cookies import desk_token
from ui.guard import BODY, Guard
from ui.idempotency import Once
from ui.pages import collections, login, own_data
from ui.pages.customer import CustomerPage
from ui.pages.desk import DeskPage
from ui.pages.talk import Talk
from ui.routes import (
    approved,
    conversations,
    documents,
    feedback,
    handovers,
    intents,
    runs,
    staff_route,
    webhooks,
)
from ui.settings import Settings
from ui.streams import Streams
from ui.team import Team

STATIC = Path(__file__).parent / "static"
UPLOADS = "zhike-uploads-"
QUEUE = 64  # waiting calls of a page; more are refused at once
ESCAPED = 12  # bytes of a character in JSON at most: "\\ud83d\\udc4d"
AT_ONCE = 24  # calls of one kind that run at the same time
# Seconds between two looks of a page's queue for calls; Gradio's own 0.001 keeps an idle server
# at 8 % of a core
LOOK = 0.02
FONT = ("system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Noto Sans CJK SC", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Noto Sans Mono CJK SC", "monospace")


@dataclass(frozen=True, slots=True)
class Web:
    """What a server serves, and the accounts and keys behind it."""

    asgi: Guard
    routes: FastAPI  # inside the guard; tests walk it
    accounts: Accounts
    team: Team


def build(app: App, settings: Settings) -> Web:
    """The whole site over a built app."""
    if not _uploads().name.startswith(UPLOADS):
        os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix=UPLOADS)
    team, limits = Team.of(app.database), api.Limits(settings.server)
    accounts = team.accounts
    hours = settings.handover
    availability = Availability(hours.office(), hours.hours, accounts.present)
    site = FastAPI(
        title="Zhike",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    # Also switches off Gradio's own CORS, which lets any origin in with credentials.
    site.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.server.public_origins),
        allow_credentials=False,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "X-Zhike-Visitor"],
        expose_headers=["X-Zhike-Visitor", "X-Request-Id"],
    )
    site.add_exception_handler(StarletteHTTPException, problems.refused)
    site.add_exception_handler(RequestValidationError, problems.invalid)
    site.mount("/ui-static", StaticFiles(directory=STATIC))
    site.include_router(api.probes(app))
    once = Once(app.database)
    site.include_router(api.router(app, limits, availability, once))
    site.include_router(openai_api.router(app, limits, admission(team.keys, settings.server)))
    for routes in _programs(app, settings, team, once):
        site.include_router(routes)
    site.include_router(login.router(accounts, team.invites, app.handovers.rename))
    site.include_router(downloads.router(app))
    site.include_router(own_data.router(app))
    talk = Talk(app, limits)
    site.include_router(widget.router(talk, limits, availability, settings.home))
    desk = DeskPage(app, settings, team).build()
    events = desk_events.scopes(desk)
    desk_events.lock(desk, accounts)
    most_mb = settings.knowledge.max_file_mb
    site.include_router(collections.router(app, accounts))  # before the page that it is under
    _mount(site, desk, "/desk", "desk", most_mb, auth_dependency=_staff(accounts))
    page = CustomerPage(app, talk, availability).build()
    dark = '<link rel="stylesheet" href="/ui-static/customer-dark.css">'
    _mount(site, page, "/", "customer", most_mb, head=dark)
    guard = Guard(
        Streams(site),
        accounts,
        settings.server.public_origins,
        body=max(BODY, BODY // 2 + ESCAPED * app.assistant.settings.max_question),
        ticks=_ticks(desk),
        events=events,
        upload=(settings.knowledge.max_file_mb + 1) << 20,  # and the form around the file
    )
    return Web(guard, site, accounts, team)


def _programs(app: App, settings: Settings, team: Team, once: Once) -> list[APIRouter]:
    """The routes that ask for an API key."""
    adding: dict[str, Callable[[APIRouter], None]] = {
        "conversations": partial(conversations.add, app=app),
        "feedback": partial(feedback.add, app=app),
        "handovers": partial(handovers.add, app=app),
        "documents": partial(documents.add, app=app),
        "approved answers": partial(approved.add, app=app),
        "intents": partial(intents.add, app=app),
        "runs": partial(runs.add, app=app, home=settings.home),
        "webhooks": partial(
            webhooks.add, webhooks=team.webhooks, loopback=settings.server.webhook_loopback
        ),
    }
    made = []
    for noun, add in adding.items():
        routes = staff_route.router(team.keys, once, noun)
        add(routes)
        made.append(routes)
    return made


def _ticks(blocks: gr.Blocks) -> frozenset[int]:
    """The functions that the page calls by itself, not people."""
    return frozenset(
        number
        for number, f in blocks.fns.items()
        if any(event == "tick" for _, event in f.targets) or (f.fn and roles.event(f.fn).ticks)
    )


def clear_uploads() -> None:
    """Remove what Gradio kept of uploads; called when the server ends."""
    if _uploads().name.startswith(UPLOADS):
        shutil.rmtree(_uploads(), ignore_errors=True)


def _uploads() -> Path:
    """The folder that Gradio keeps uploads in; Gradio reads it from the environment only."""
    return Path(os.environ.get("GRADIO_TEMP_DIR", ""))


def _mount(
    site: FastAPI,
    blocks: gr.Blocks,
    path: str,
    name: str,
    most_mb: int,
    head: str = "",
    **options: Any,
) -> None:
    """`most_mb`: of an uploaded file."""
    blocks.queue(max_size=QUEUE, default_concurrency_limit=AT_ONCE)
    blocks._queue.sleep_when_free = LOOK
    gr.mount_gradio_app(
        site,
        blocks,
        path,
        theme=gr.themes.Base(
            primary_hue=gr.themes.colors.teal,
            neutral_hue=gr.themes.colors.stone,
            font=FONT,
            font_mono=MONO,
        ),
        css_paths=[STATIC / "page.css", STATIC / f"{name}.css"],
        head=(
            '<link rel="icon" href="/ui-static/mark.svg" type="image/svg+xml">'
            '<script src="/ui-static/page.js" defer></script>' + head
        ),
        footer_links=[],
        run_history=False,
        show_error=True,
        max_file_size=f"{most_mb}mb",
        ssr_mode=False,
        enable_monitoring=False,
        allowed_paths=[],
        **options,
    )


def _staff(accounts: Accounts) -> Any:
    """The second lock of /desk, behind the guard's."""

    def name(request: Request) -> str | None:
        return accounts.who(desk_token(request.scope), touch=False)

    return name
