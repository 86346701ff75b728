"""The staff's desk: its frame, the language switch, and the tabs, each in its own file."""

from __future__ import annotations

from typing import Any, Protocol

import gradio as gr

from chatbot.app import App
from ui import desk_events, render, roles
from ui.labels import Labels, remembered, settled, switch
from ui.pages.approved import ApprovedTab
from ui.pages.conversations import ConversationsTab
from ui.pages.documents import DocumentsTab
from ui.pages.feedback import FeedbackTab
from ui.pages.health import HealthTab
from ui.pages.inbox import InboxTab
from ui.pages.insights import InsightsTab
from ui.pages.intents import IntentsTab
from ui.pages.people import PeopleTab
from ui.pages.training import TrainingTab
from ui.roles import Role, Scope
from ui.settings import Settings
from ui.team import Team
from ui.texts import Texts, preferred, texts

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


class Tab(Protocol):
    """One tab: `fill` gives values for the components of `filled`."""

    filled: list[Any]

    def build(self, language: gr.Radio) -> None: ...

    def fill(self, language: str) -> dict[Any, Any]: ...


class DeskPage:
    """What staff see after logging in."""

    def __init__(self, app: App, settings: Settings, team: Team) -> None:
        self._labels, self._accounts = Labels(), team.accounts
        self._inbox = InboxTab(app, self._labels, lambda name: _sees(self._role_of(name), "inbox"))
        documents = DocumentsTab(app, settings, self._labels)
        self._feedback = FeedbackTab(app, self._labels, documents)
        self._tabs: dict[str, Tab] = {
            "documents": documents,
            "approved": ApprovedTab(app, self._labels),
            "inbox": self._inbox,
            "conversations": ConversationsTab(app, self._labels),
            "feedback": self._feedback,
            "insights": InsightsTab(app, self._labels),
            "intents": IntentsTab(app, self._labels),
            "training": TrainingTab(app, settings, self._labels),
            "health": HealthTab(app, self._labels),
            "people": PeopleTab(team, settings.server, self._labels),
        }

    def build(self) -> gr.Blocks:
        """The page as Gradio blocks."""
        add = self._labels.add
        with gr.Blocks(
            title="知客 Zhike · Desk", analytics_enabled=False, delete_cache=(3600, 3600)
        ) as blocks:
            language = remembered()
            with gr.Row(elem_id="top", equal_height=True):
                add(gr.Markdown(_brand(texts("en")), elem_id="brand"), value=_brand)
                with gr.Row(elem_id="tools"):
                    self._inbox.watch()  # here, as it must see new calls from every tab
                    chosen = switch()
                    self._who = gr.Markdown("", elem_id="who")
                    add(gr.Markdown(_links(texts("en")), elem_id="links"), value=_links)
            with gr.Tabs(elem_id="tabs") as self._shown:
                items = []
                for name, tab in self._tabs.items():
                    with add(gr.Tab(name, id=name), label=f"desk.{name}") as item:
                        tab.build(chosen)
                    items.append((tab, item))
        with blocks:
            self._feedback.leads(self._shown, chosen)
            opened = blocks.load(self._open, language, [chosen, *self._labels.components], **QUIET)
            chosen.input(self._switch, chosen, [language, *self._labels.components], **QUIET).then(
                **self._fill(chosen)
            )
            opened.then(**self._fill(chosen))
            for tab, item in items:
                item.select(tab.fill, chosen, tab.filled, **QUIET)
            # Buttons, and the fields beside them
            self._used = {**desk_events.buttons(blocks), **desk_events.fields(blocks)}
            greeted = [self._who, self._shown, self._inbox.timer]
            blocks.load(self._greet, None, [*greeted, *self._used], **QUIET)
        blocks.state_session_capacity = 100
        return blocks

    def _fill(self, chosen: gr.Radio) -> dict[str, Any]:
        """One call that fills every tab."""
        outputs = [component for tab in self._tabs.values() for component in tab.filled]

        def fill(language: str, request: gr.Request) -> dict[Any, Any]:
            role = self._role(request)
            shown: dict[Any, Any] = {}
            for name, tab in self._tabs.items():
                if _sees(role, name):
                    shown |= tab.fill(language)
                else:  # a state that is left out would count as changed
                    shown |= {c: c.value for c in tab.filled if isinstance(c, gr.State)}
            return shown

        return {"fn": fill, "inputs": chosen, "outputs": outputs, **QUIET}

    def _role(self, request: gr.Request) -> Role | None:
        return self._role_of(str(request.username))

    def _role_of(self, name: str) -> Role | None:
        staff = self._accounts.find(name)
        return staff.role if staff else None

    def _greet(self, request: gr.Request) -> dict[Any, Any]:
        """Who is logged in; the buttons and fields that are not for this role."""
        role = self._role(request)
        seen = [name for name in self._tabs if _sees(role, name)]
        # Gradio keeps showing a tab that an update makes invisible: page.js hides it
        hidden = " ".join(f"hide-{name}" for name in self._tabs if name not in seen)
        name = render.plain(str(request.username))
        closed = {
            used: gr.update(interactive=False)
            for used, needed in self._used.items()
            if not any(role and roles.may(role, scope) for scope in needed)
        }
        return {
            self._who: f'<span class="account {hidden}">{name}</span>',
            self._shown: gr.update(selected=seen[0]) if "documents" not in seen else gr.skip(),
            self._inbox.timer: gr.update(active="inbox" in seen),
            **closed,
        }

    def _open(self, stored: str, request: gr.Request) -> list[Any]:
        words = texts(stored or preferred(request.headers.get("accept-language", "")))
        return [settled(words.language), *self._labels.updates(words.language)]

    def _switch(self, language: str) -> list[Any]:
        return [language, *self._labels.updates(language)]


def _sees(role: Role | None, tab: str) -> bool:
    return role is not None and roles.may(role, roles.TABS.get(tab, Scope.ADMIN))


def _brand(words: Texts) -> str:
    name = render.plain(words("desk.title"))
    return (
        f'<div class="brand"><span class="brand-mark"></span><div class="brand-name">{name}'
        "</div></div>"
    )


def _links(words: Texts) -> str:
    page, password, out = (
        render.plain(words(f"desk.{key}")) for key in ("customer_page", "password", "out")
    )
    return (
        f'<div class="links"><a href="/" target="_blank" rel="noopener">{page}</a>'
        f'<a href="/desk/password" class="own-password">{password}</a>'
        f'<a href="/desk/logout" class="out">{out}</a></div>'
    )
