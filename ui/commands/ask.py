"""`zhike ask`: one question, one answer."""

from __future__ import annotations

from typing import Any

import click

from chatbot.app import App
from chatbot.types import Incoming, Reply
from ui.commands.opening import as_json, opened

VISITOR = "cli"  # whoever may run the command owns its sessions
LOADING_SECONDS = 120


@click.command()
@click.argument("question")
@click.option("--session", "session_id", help="Go on with this conversation.")
@click.option("--collection", help="Search only this collection.")
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
@click.option("--trace", is_flag=True, help="Show the steps, their times and reasons.")
def ask(
    question: str, session_id: str | None, collection: str | None, json_: bool, trace: bool
) -> None:
    """Answer QUESTION from the documents, with sources.

    \b
    zhike ask "Can I return opened tea?"
    zhike ask "云Pro 显示 E2 怎么办" --json
    """
    with opened() as (app, _):
        ready_generator(app)
        reply = app.assistant.reply(
            Incoming(question, VISITOR, session_id, "cli", collection=collection)
        )
        if json_:
            as_json(reply_json(reply))
        else:
            show(reply, trace)


def ready_generator(app: App) -> None:
    """A generator that will be used is loaded first; any other stays off."""
    generator = app.generator
    if generator and app.assistant.answering.needed(app.champions.current("dialogue") is not None):
        generator.start()
        generator.wait(LOADING_SECONDS)


def reply_json(reply: Reply) -> dict[str, Any]:
    """The stable form that scripts may rely on."""
    return {
        "reply_id": reply.id,
        "session_id": reply.session_id,
        "reply": reply.text,
        "action": reply.action.value,
        "language": reply.language,
        "intent": {"name": reply.intent.name, "score": round(reply.intent.score, 4)},
        "citations": [
            {
                "id": c.id,
                "collection": c.collection,
                "document": c.document,
                "heading": c.heading,
                "text": c.text,
                "sentence": c.sentence,
                "score": round(c.score, 4),
            }
            for c in reply.citations
        ],
        "confidence": round(reply.confidence, 4),
        "escalate": reply.escalate,
        "engine": reply.engine,
        "adapter": reply.adapter,
        "trace": [{"step": s.name, "ms": s.ms, "detail": s.detail} for s in reply.trace],
    }


def show(reply: Reply, trace: bool = False) -> None:
    """For people: the text, its sources and, when asked for, the steps."""
    click.echo(reply.text)
    for number, citation in enumerate(reply.citations, 1):
        heading = f" › {citation.heading}" if citation.heading else ""
        click.secho(f"  [{number}] {citation.document}{heading}", dim=True)
    if trace:
        for step in reply.trace:
            click.secho(f"  {step.ms:8.1f} ms  {step.name}: {step.detail}", dim=True)
