"""What the commands share: an App for the configured home, and JSON output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from chatbot.app import App, build
from chatbot.errors import SettingsError
from finetune.registry import Registry
from finetune.retraction import forget_sessions
from ui.samples import load_if_fresh
from ui.settings import Settings, load


@contextmanager
def opened(*, samples: bool = True) -> Iterator[tuple[App, Settings]]:
    """The App of ZHIKE_HOME, closed at the end; a fresh home gets the samples."""
    settings = load()
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"ZHIKE_HOME {settings.home} cannot be made ({error.strerror}). Choose another folder."
        ) from error
    app = build(
        settings.home, settings.models, settings.knowledge, settings.chatbot, settings.handover
    )
    app.erasure.listeners.append(
        partial(forget_sessions, app.database, Registry(app.database, settings.home))
    )
    try:
        if samples:
            load_if_fresh(app, settings, lambda text: click.echo(text, err=True))
        yield app, settings
    finally:
        app.close()


def as_json(value: Any) -> None:
    """Print JSON that people can read too."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
