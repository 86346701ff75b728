"""An App on a copy of the home, for commands that measure and must leave nothing behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from chatbot.app import App, build
from chatbot.errors import ChatbotError
from ui.commands.opening import opened
from ui.settings import load


@contextmanager
def throw_away(folder: Path | None) -> Iterator[App]:
    """An App on a copy of the home, or on a new home with the folder's documents."""
    if folder is not None and not folder.exists():
        raise ChatbotError(f"{folder}: there is no such folder of documents.")
    settings = load()
    with tempfile.TemporaryDirectory(prefix="zhike-evaluate-") as temporary:
        home = Path(temporary)
        if folder is None:
            with opened() as (app, _):
                app.database.backup(home / "zhike.db")
            own = settings.home / "evidence.npz"
            if own.exists():
                shutil.copy(own, home)
        app = build(home, settings.models, settings.knowledge, settings.chatbot, settings.handover)
        try:
            if folder is not None:
                _fill(app, folder)
            yield app
        finally:
            app.close()


def _fill(app: App, folder: Path) -> None:
    for ingested in app.knowledge.add([folder]):
        if ingested.error:
            click.secho(ingested.error, fg="red", err=True)
    if not app.knowledge.documents():
        raise ChatbotError(f"{folder}: no document could be read there.")
    app.prepare()
