"""The card of API keys in the desk: made, shown once, revoked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import gradio as gr

from ui import render
from ui.accounts import AccountError
from ui.api_keys import DAYS, MAX_NAME, ApiKey, Keys
from ui.labels import Labels
from ui.pages.canned import account, done, problem
from ui.pages.notices import QUIET, relisted, tick
from ui.roles import KEY_SCOPES
from ui.texts import Texts, texts

Updates = dict[Any, Any]


class KeysCard:
    """What admins do with the keys of programs."""

    def __init__(self, keys: Keys, labels: Labels) -> None:
        self._keys, self._labels = keys, labels
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The card's components and their events."""
        add = self._labels.add
        opened: gr.State = gr.State(0)
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=_heading)
            self._table = gr.Markdown("", elem_id="keys")
            with gr.Row(elem_classes="filters", equal_height=False):
                self._name = add(
                    gr.Textbox(max_length=MAX_NAME, elem_id="key-name", min_width=180),
                    label="keys.name",
                )
                self._days = add(
                    gr.Number(DAYS, precision=0, minimum=1, maximum=3650, min_width=120),
                    label="keys.days",
                )
            self._scopes = add(
                gr.CheckboxGroup([scope.value for scope in KEY_SCOPES], elem_id="key-scopes"),
                label="keys.scopes",
            )
            with gr.Row(elem_classes="buttons"):
                make = add(
                    gr.Button(size="sm", variant="primary", elem_id="key-add"), value="keys.add"
                )
            self._said = gr.Markdown("", elem_id="keys-said")
            self._shown = add(
                gr.Textbox(visible=False, interactive=False, buttons=["copy"], elem_id="new-key"),
                label="keys.once",
            )
            with gr.Row(elem_classes="buttons", equal_height=False):
                self._key = add(gr.Dropdown([], elem_id="key", min_width=180), label="keys.which")
                revoke = add(gr.Button(size="sm", elem_id="key-revoke"), value="keys.revoke")
        self.filled = [opened]
        listed = [self._table, self._key]
        opened.change(self._listed, [self._key, language], listed, **QUIET)
        said = [self._said, self._shown, *listed]
        wanted = [self._name, self._scopes, self._days, self._key, language]
        make.click(self._added, wanted, [*said, self._name, self._scopes], **QUIET)
        revoke.click(self._revoked, [self._key, language], said, **QUIET)

    def fill(self, language: str) -> Updates:
        """Values for `filled`; the list follows at once, with what is chosen by then."""
        del language
        return {self.filled[0]: tick()}

    def _listed(self, chosen: str | None, language: str) -> Updates:
        words, keys, now = texts(language), self._keys.all(), datetime.now(UTC)
        valid = [(f"{key.name} · {key.id}", key.id) for key in keys if key.state(now) == "valid"]
        return {
            self._table: _table(keys, now, words),
            self._key: relisted(valid, chosen),
        }

    def _added(
        self,
        name: str,
        scopes: list[str],
        days: float | None,
        chosen: str | None,
        language: str,
        request: gr.Request,
    ) -> Updates:
        words, by = texts(language), account(request)
        try:
            until = int(days) if days else None
            key = self._keys.add(name, scopes, by, owner=by, days=until)
        except AccountError as error:
            said = problem(words("desk.failed", error=error))
            return {self._said: said, self._shown: gr.update(visible=False)}
        return {
            self._said: done(words("keys.added")),
            self._shown: gr.update(value=key, visible=True),
            self._name: "",
            self._scopes: [],
            **self._listed(chosen, language),
        }

    def _revoked(self, chosen: str | None, language: str, request: gr.Request) -> Updates:
        words = texts(language)
        try:
            if not chosen:
                raise AccountError(words("keys.choose"))
            self._keys.revoke(chosen, account(request))
        except AccountError as error:
            return {self._said: problem(words("desk.failed", error=error))}
        return {
            self._said: done(words("keys.revoked_now")),
            self._shown: gr.update(visible=False),
            **self._listed(chosen, language),
        }


def _heading(words: Texts) -> str:
    title, lead = (render.plain(words(f"keys.{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _table(keys: tuple[ApiKey, ...], now: datetime, words: Texts) -> str:
    if not keys:
        return f'<p class="hint">{render.plain(words("keys.none"))}</p>'
    rows = [
        [
            key.name,
            key.id,
            ", ".join(sorted(key.scopes)),
            key.owner or words("desk.none"),
            words(f"keys.{key.state(now)}"),
            (key.expires or words("keys.never"))[:10],
            (key.used or words("desk.none"))[:16].replace("T", " "),
        ]
        for key in keys
    ]
    names = ("name", "id", "scopes", "owner", "state", "expires", "used")
    return render.table([words(f"keys.{name}") for name in names], rows, "results")
