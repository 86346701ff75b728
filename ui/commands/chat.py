"""`zhike chat`: a conversation in the terminal."""

from __future__ import annotations

import click

from chatbot.types import Incoming, Stage
from ui.commands.ask import VISITOR, ready_generator, show
from ui.commands.opening import opened

END = {"exit", "quit", "退出", ""}


@click.command()
@click.option("--trace", is_flag=True, help="Show the steps of each answer.")
def chat(trace: bool) -> None:
    """Talk to the assistant; an empty line ends."""
    with opened() as (app, _):
        ready_generator(app)
        session_id: str | None = None
        while True:
            try:
                text = click.prompt("you", prompt_suffix="> ", default="", show_default=False)
            except click.Abort:
                break
            if text.strip().lower() in END:
                break
            *_, reply = (
                event
                for event in app.assistant.stream(Incoming(text, VISITOR, session_id, "cli"))
                if not isinstance(event, Stage)
            )
            session_id = reply.session_id  # type: ignore[union-attr]
            show(reply, trace)  # type: ignore[arg-type]
