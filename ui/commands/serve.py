"""`zhike serve`: the website, the desk and the API."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
from dataclasses import replace

import click
import uvicorn
from filelock import FileLock, Timeout
from uvicorn.config import LOGGING_CONFIG

from chatbot.app import App, build
from chatbot.errors import ChatbotError, SettingsError
from knowledge import reserve
from knowledge.errors import KnowledgeError
from ui import logs
from ui.retention import Retention
from ui.samples import load_if_fresh
from ui.settings import Settings, load

GRACE = 10  # seconds that open streams have after SIGTERM
log = logging.getLogger(__name__)


@click.command()
@click.option("--host", help="Address to listen on; 0.0.0.0 for all. Default 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default 7860.")
def serve(host: str | None, port: int | None) -> None:
    """Serve customers at /, staff at /desk and programs at /api/v1.

    The first start prints a one-time token with which the staff password is set.

    \b
    zhike serve
    zhike serve --host 0.0.0.0 --port 8080
    """
    settings = load()
    server = settings.server
    server = replace(server, host=host or server.host, port=port or server.port)
    settings = replace(settings, server=server)
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"ZHIKE_HOME {settings.home} cannot be made ({error.strerror}). Choose another folder."
        ) from error
    if server.log == "json":
        logs.as_json()
    try:
        with FileLock(settings.home / "server.lock", blocking=False):
            _run(settings)
    except Timeout:
        raise SettingsError(
            f"A server is running on {settings.home} already. Stop it or choose another ZHIKE_HOME."
        ) from None


def _run(settings: Settings) -> None:
    """Listen at once; models and samples are loaded behind the open port."""
    reserve.keep(settings.home)
    app = build(
        settings.home, settings.models, settings.knowledge, settings.chatbot, settings.handover
    )
    app.start()  # loads beside the import that follows
    # Gradio imports pydub, which misses a program for sound; no page has sound
    warnings.filterwarnings("ignore", "Couldn't find ffmpeg", RuntimeWarning)
    # Gradio takes seconds to import: after the lock, so that a refusal is quick
    from ui import transcripts, web
    from ui.metrics import Metered
    from ui.webhooks.sender import Sender

    site = web.build(app, settings)
    metered = Metered(site.asgi, app, settings.server.metrics_token_file)
    transcripts.drop_after_run(settings.home)
    kept = Retention(app, settings.chatbot.retention_days)
    sender = Sender(site.team.webhooks, loopback=settings.server.webhook_loopback)
    loading = threading.Thread(target=_load, args=(app, settings), name="loading", daemon=True)
    loading.start()
    _welcome(settings, site.accounts.setup_token())
    # uvicorn raises the signal again when it has shut down; the default would end us right there
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        uvicorn.run(
            metered,
            host=settings.server.host,
            port=settings.server.port,
            log_level="warning",
            log_config=None if settings.server.log == "json" else LOGGING_CONFIG,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
    except KeyboardInterrupt:
        pass  # Ctrl-C is how a person stops it
    finally:
        kept.stop()
        sender.stop()
        web.clear_uploads()
        app.close()


def _load(app: App, settings: Settings) -> None:
    try:
        load_if_fresh(app, settings, click.echo)
    except (ChatbotError, KnowledgeError) as error:
        log.error("the samples could not be loaded: %s", error)


def _welcome(settings: Settings, token: str | None) -> None:
    host = settings.server.host
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    url = f"http://{f'[{shown}]' if ':' in shown else shown}:{settings.server.port}"
    click.echo(f"Customers: {url}/\nStaff:     {url}/desk\nAPI:       {url}/api/v1/openapi.json")
    if token:
        click.echo(
            f"\nNo staff password is set yet. Open {url}/desk/login and enter "
            f"this one-time token:\n\n    {token}\n"
        )
