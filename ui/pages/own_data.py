"""What is stored of a visitor: the card on the customer page, and the file to take away."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from chatbot.app import App
from chatbot.errors import NotFound
from ui import render
from ui.cookies import visitor_of
from ui.labels import Labels
from ui.texts import Texts

PATH = "/my-data.json"


class OwnData:
    """The card that offers export and erasure; deleting asks once more."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._app = app
        self._labels = labels

    def build(self) -> None:
        """The card, hidden until it is asked for."""
        add = self._labels.add
        with gr.Column(elem_id="own-data", visible=False) as self.card:
            add(gr.Markdown("", container=False), value=_lead)
            with gr.Row(elem_id="own-data-buttons") as self.buttons:
                self.delete = self._button("customer.mine_delete", "stop", "own-data-delete")
                self.close = self._button("customer.mine_close", "secondary", "own-data-close")
            with gr.Column(elem_id="own-data-sure", visible=False) as self.sure:
                add(gr.Markdown("", container=False), value="customer.mine_sure")
                with gr.Row(elem_id="own-data-sure-buttons"):
                    self.yes = self._button("customer.mine_yes", "stop", "own-data-yes")
                    self.no = self._button("customer.mine_no", "secondary", "own-data-no")
        self.outputs = [self.card, self.buttons, self.sure]

    def _button(self, text: str, variant: Any, name: str) -> gr.Button:
        button = gr.Button("", size="sm", variant=variant, min_width=40, elem_id=name)
        return self._labels.add(button, value=text)

    def shown(self, *, card: bool = True, asking: bool = False) -> list[Any]:
        """Values for `outputs`."""
        parts = (card, not asking, asking)
        return [gr.update(visible=part) for part in parts]

    def erase(self, who: str, words: Texts) -> str:
        """Erase everything of the visitor; what is said about it."""
        try:
            self._app.erasure.erase(who)
        except NotFound:
            return words("customer.mine_none")
        return words("customer.mine_gone")


def _lead(words: Texts) -> str:
    lead, download = (render.plain(words(f"customer.mine_{k}")) for k in ("lead", "download"))
    return f'<p>{lead}</p><a class="own-data-download" href="{PATH}">{download}</a>'


def router(app: App) -> APIRouter:
    """The visitor's own data as a file; the visitor is who the cookie says."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(PATH)
    def own_data(request: Request) -> Response:
        who = visitor_of(request.scope)
        if who is None:
            raise HTTPException(404, "Nothing is stored of you.")
        return as_file(app.erasure.export(who))

    return routes


def as_file(exported: dict[str, Any]) -> Response:
    """An export as a download."""
    return Response(
        json.dumps(exported, ensure_ascii=False, indent=2),
        media_type="application/json",
        headers={
            "content-disposition": 'attachment; filename="my-data.json"',
            "cache-control": "no-store",
        },
    )
