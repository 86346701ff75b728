"""`zhike explain`: why a message would get the reply that it would get."""

from __future__ import annotations

from typing import Any

import click

from chatbot.explanation import explain as explained
from ui.commands.opening import as_json, opened


@click.command()
@click.argument("message")
@click.option("--collection", help="Search only this collection.")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def explain(message: str, collection: str | None, json_: bool) -> None:
    """The words, examples, floors and rules that decide what MESSAGE gets; nothing is stored.

    \b
    zhike explain "where is my parcel?"
    zhike explain "包裹到哪了" --json
    """
    with opened() as (app, _):
        table = explained(app.assistant, message, collection).table()
    if json_:
        as_json(table)
    else:
        _show(table)


def _show(table: dict[str, Any]) -> None:
    second = f", also {table['second_language']}" if table["second_language"] else ""
    _line("message", table["text"])
    _line("language", table["language"] + second)
    _line("screen", ", ".join([*table["personal_data"], table["rule"] or "no rule"]))
    if table["entities"]:
        _line("entities", ", ".join(f"{e['kind']} {e['value']}" for e in table["entities"]))
    if table["pattern"]:
        _line("intent", f"{table['pattern']}: the whole message is one of its patterns")
    elif table["intent"]:
        _show_intent(table["intent"], table["words"])
    else:
        _line("intent", "there is no model yet: zhike intents train")
    if mood := table["mood"]:
        _line("mood", f"{mood['feeling']}, anger {mood['anger']:.2f}, floor {mood['floor']:.2f}")
    if table["approved"]:
        _line("approved", f"{table['approved']['score']:.2f}: {table['approved']['question']}")
    evidence = table["evidence"]
    _line("evidence", f"{evidence['probability']:.2f}, floor {evidence['floor']:.2f}")
    if evidence["unknown_words"]:
        _line("", f"in no document: {', '.join(evidence['unknown_words'])}")
    for sentence in evidence["sentences"]:
        _line("", f"{sentence['score']:.2f} {sentence['document']}: {sentence['text'][:120]}")
    click.secho(f"{table['action']}: {table['decided_by']}", bold=True)


def _show_intent(look: dict[str, Any], words: dict[str, Any]) -> None:
    floors = look["floors"]
    for i, guess in enumerate(look["guesses"]):
        like = f", like: {guess['nearest']} ({guess['nearness']:.2f})" if guess["nearest"] else ""
        _line("" if i else "intent", f"{guess['chance']:.1%} {guess['name']}{like}")
        pulls = [f"{w['word']} {w['pull']:+.2f}" for w in words.get(guess["name"], ())]
        if pulls:
            _line("", f"  words: {', '.join(pulls)}")
    _line("", f"lead {look['gap']:.1%}, floor {floors['gap']:.1%}")
    _line("", f"any of them {look['scope']:.1%}, floor {floors['scope']:.1%}: {look['verdict']}")


def _line(name: str, text: str) -> None:
    click.echo(f"{name:<10} {text}")
