"""The desk's people: accounts with their roles, invitations, API keys, webhooks, audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from ui import render
from ui.accounts import AccountError, Staff
from ui.invites import Invite
from ui.labels import Labels
from ui.pages.audit_card import AuditCard
from ui.pages.canned import account, done, problem
from ui.pages.keys_card import KeysCard
from ui.pages.webhooks_card import WebhooksCard
from ui.roles import Role
from ui.settings import ServerSettings
from ui.team import Team
from ui.texts import Texts, texts

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
Updates = dict[Any, Any]


class PeopleTab:
    """What admins do with the people and programs of the team."""

    def __init__(self, team: Team, settings: ServerSettings, labels: Labels) -> None:
        self._accounts, self._invites = team.accounts, team.invites
        self._labels = labels
        self._keys = KeysCard(team.keys, labels)
        self._webhooks = WebhooksCard(team.webhooks, settings.webhook_loopback, labels)
        self._audit = AuditCard(team.accounts.audit, labels)
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The tab's components and their events."""
        self._language = language
        self._list_section()
        self._invite_section()
        self._keys.build(language)
        self._webhooks.build(language)
        self._audit.build(language)
        self._cards = (self._keys, self._webhooks, self._audit)
        self.filled = [self._table, self._account, *(c for k in self._cards for c in k.filled)]
        self._events()

    def fill(self, language: str) -> Updates:
        """Values for `filled`."""
        shown = self._listed(language)
        for card in self._cards:
            shown |= card.fill(language)
        return shown

    def _list_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: heading(words, "people.title", "people.lead"))
            self._table = gr.Markdown("", elem_id="people")
            with gr.Row(elem_classes="filters", equal_height=False):
                self._account = add(
                    gr.Dropdown([], elem_id="account", min_width=180), label="people.account"
                )
                self._role = add(
                    gr.Dropdown([*map(str, Role)], value="viewer", elem_id="role", min_width=180),
                    label="people.role",
                    choices=_roles,
                )
            with gr.Row(elem_classes="buttons"):
                self._change = self._button("set-role", "people.set_role")
                self._off = self._button("disable", "people.disable")
                self._on = self._button("enable", "people.enable")
                self._again = self._button("reset", "people.reset")
            self._said = gr.Markdown("", elem_id="people-said")
            self._link = add(
                gr.Textbox(visible=False, interactive=False, buttons=["copy"], elem_id="link"),
                label="people.link",
            )

    def _invite_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: heading(words, "people.invite", "people.how"))
            with gr.Row(elem_classes="filters", equal_height=False):
                self._name = add(
                    gr.Textbox(max_length=40, elem_id="invite-name", min_width=180),
                    label="people.name",
                )
                self._as = add(
                    gr.Dropdown(
                        [*map(str, Role)], value="agent", elem_id="invite-role", min_width=180
                    ),
                    label="people.role",
                    choices=_roles,
                )
            with gr.Row(elem_classes="buttons"):
                self._invite = self._button("invite", "people.make_link", "primary")
            self._told = gr.Markdown("", elem_id="invite-said")
            self._new = add(
                gr.Textbox(visible=False, interactive=False, buttons=["copy"], elem_id="new-link"),
                label="people.link",
            )

    def _button(self, name: str, text: str, variant: Any = "secondary") -> gr.Button:
        return self._labels.add(gr.Button(size="sm", variant=variant, elem_id=name), value=text)

    def _events(self) -> None:
        language, shown = self._language, [self._said, self._link, self._table, self._account]
        role = [self._account, self._role, language]
        self._change.click(self._role_set, role, shown, **QUIET)
        for button, act in (
            (self._off, self._disabled),
            (self._on, self._enabled),
            (self._again, self._reset),
        ):
            button.click(act, [self._account, language], shown, **QUIET)
        told = [self._told, self._new, self._name, self._table, self._account]
        self._invite.click(self._invited, [self._name, self._as, language], told, **QUIET)

    def _listed(self, language: str) -> Updates:
        words, people = texts(language), self._accounts.all()
        invited = [i for i in self._invites.all() if i.name not in {s.name for s in people}]
        names = [staff.name for staff in people]
        return {
            self._table: _table(people, invited, words),
            self._account: gr.update(choices=names),
        }

    def _role_set(
        self, chosen: str | None, role: str, language: str, request: gr.Request
    ) -> Updates:
        by = account(request)
        return self._done(
            lambda: self._accounts.set_role(chosen or "", Role(role), by), "role_set", language
        )

    def _disabled(self, chosen: str | None, language: str, request: gr.Request) -> Updates:
        by = account(request)
        return self._done(
            lambda: self._accounts.disable(chosen or "", by), "disabled_now", language
        )

    def _enabled(self, chosen: str | None, language: str, request: gr.Request) -> Updates:
        by = account(request)
        return self._done(lambda: self._accounts.enable(chosen or "", by), "enabled_now", language)

    def _reset(self, chosen: str | None, language: str, request: gr.Request) -> Updates:
        """A link with which somebody who forgot the password sets another."""
        made: list[str] = []

        def reset() -> None:
            if self._accounts.find(chosen or "") is None:
                raise AccountError(texts(language)("people.choose"))
            made.append(self._invites.invite(chosen or "", Role.VIEWER, account(request)))

        shown = self._done(reset, "link_made", language)
        if made:
            shown[self._link] = gr.update(value=_address(made[0], request), visible=True)
        return shown

    def _invited(self, name: str, role: str, language: str, request: gr.Request) -> Updates:
        words = texts(language)
        try:
            if self._accounts.find(name.strip()):
                raise AccountError(words("people.taken", name=name.strip()))
            token = self._invites.invite(name, Role(role), account(request))
        except AccountError as error:
            return {self._told: problem(words("desk.failed", error=error))}
        return {
            self._told: done(words("people.link_made")),
            self._new: gr.update(value=_address(token, request), visible=True),
            self._name: "",
            **self._listed(language),
        }

    def _done(self, act: Callable[[], None], key: str, language: str) -> Updates:
        words = texts(language)
        try:
            act()
        except AccountError as error:
            said = problem(words("desk.failed", error=error))
            return {self._said: said, self._link: gr.update(visible=False)}
        return {
            self._said: done(words(f"people.{key}")),
            self._link: gr.update(visible=False),
            **self._listed(language),
        }


def heading(words: Texts, title: str, lead: str) -> str:
    """The top of a card."""
    return (
        f'<div class="heading"><h2>{render.plain(words(title))}</h2>'
        f"<p>{render.plain(words(lead))}</p></div>"
    )


def _roles(words: Texts) -> list[tuple[str, str]]:
    return [(words(f"people.{role}"), role.value) for role in Role]


def _table(people: tuple[Staff, ...], invited: list[Invite], words: Texts) -> str:
    rows = [
        [
            staff.name,
            words(f"people.{staff.role}"),
            words("people.off" if staff.disabled else "people.on"),
            f"{staff.changed[:10]}",
        ]
        for staff in people
    ]
    rows += [
        [i.name, words(f"people.{i.role}"), words("people.open", until=i.expires[:10]), "–"]
        for i in invited
    ]
    head = [words(f"people.{name}") for name in ("account", "role", "state", "password_set")]
    return render.table(head, rows, "results")


def _address(token: str, request: gr.Request) -> str:
    """The link to send; a browser tells where the desk is, behind a proxy too."""
    return f"{request.headers.get('origin', '')}/desk/invite?token={token}"
