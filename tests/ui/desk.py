"""A member of staff at the desk's page, over Gradio's own protocol, as a browser calls it."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from chatbot.store import new_id
from tests.ui.conftest import PASSWORD, Running
from tests.ui.staff import session_of
from ui.roles import Role


class Desk:
    """Logged in, with the page open; remembers what its components show, by element id."""

    def __init__(self, running: Running, role: Role = Role.ADMIN) -> None:
        accounts, self.session_hash = running.site.accounts, new_id()[:11]
        if role is not Role.ADMIN:
            session = session_of(running.site, role)
        elif accounts.ready():
            session = accounts.log_in("admin", PASSWORD, new_id())
        else:
            session = accounts.set_up(running.token, PASSWORD, new_id())
        cookies = {"zhike_desk": session}
        self.http = httpx.Client(base_url=f"{running.url}/desk", timeout=120, cookies=cookies)
        config = self.http.get("/config").json()
        self.functions = {d["id"]: d for d in config["dependencies"]}
        self.props: dict[int, dict[str, Any]] = {
            c["id"]: dict(c["props"]) | {"type": c["type"]} for c in config["components"]
        }
        self.ids = {p["elem_id"]: id_ for id_, p in self.props.items() if p.get("elem_id")}
        self.set("language", "en")

    def set(self, element: str, value: Any) -> None:
        """Type or choose a value, without an event."""
        self.props[self.ids[element]]["value"] = value

    def value(self, element: str) -> Any:
        return self.props[self.ids[element]].get("value")

    def visible(self, element: str) -> bool:
        return self.props[self.ids[element]].get("visible", True) is True

    def text(self, element: str) -> str:
        """What people read there."""
        return re.sub(r"<[^>]+>", " ", str(self.value(element) or ""))

    def upload(self, **files: bytes) -> None:
        """Put files into the upload of documents; the key is the name, with _ for the dot."""
        self.set("upload", [self._file(name.replace("_", "."), d) for name, d in files.items()])

    def choose_file(self, element: str, name: str, data: bytes) -> None:
        self.set(element, self._file(name, data))

    def _file(self, name: str, data: bytes) -> dict[str, Any]:
        answer = self.http.post("/gradio_api/upload", files={"files": (name, data)})
        assert answer.status_code == 200, answer.text
        path = answer.json()[0]
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def open(self) -> None:
        """What happens when the page is loaded; not what follows from it."""
        for number, function in self.functions.items():
            if "load" in [event for _, event in function["targets"]] and not function["inputs"]:
                self._call(number)

    def closed(self, element: str) -> bool:
        """Whether it cannot be pressed or filled in."""
        return self.props[self.ids[element]].get("interactive") is False

    def do(self, element: str, event: str = "click", data: Any = None) -> None:
        """An event of a component, and the calls that follow from it. data: of a select."""
        wanted = [self.ids[element], event]
        first = [n for n, d in self.functions.items() if wanted in map(list, d["targets"])]
        assert first, f"nothing happens on {element}.{event}"
        for number in first:
            self._call(number, data)

    def pick(self, *row: str) -> None:
        """Select the row of the list that begins so."""
        rows = self.value("documents")["data"]
        number = next(n for n, cells in enumerate(rows) if cells[: len(row)] == list(row))
        data = {"index": [number, 0], "value": rows[number][0], "row_value": rows[number]}
        self.do("documents", "select", data)

    def rows(self) -> dict[str, list[Any]]:
        """The list as shown, by document."""
        return {row[0]: row for row in self.value("documents")["data"]}

    def _call(self, number: int, data: Any = None) -> None:
        function = self.functions[number]
        inputs = [
            None if self.props[i]["type"] == "state" else self.props[i].get("value")
            for i in function["inputs"]
        ]
        body = {"data": inputs, "fn_index": number, "session_hash": self.session_hash}
        joined = self.http.post("/gradio_api/queue/join", json={**body, "event_data": data})
        assert joined.status_code == 200, joined.text
        path = f"/gradio_api/queue/data?session_hash={self.session_hash}"
        message: dict[str, Any] = {}
        with self.http.stream("GET", path) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line else message
                if message.get("msg") in ("process_completed", "close_stream"):
                    break
        assert message.get("success"), message
        for id_, update in zip(function["outputs"], message["output"]["data"], strict=True):
            if isinstance(update, dict) and update.get("__type__") == "update":
                self.props[id_].update({k: v for k, v in update.items() if k != "__type__"})
            else:
                self.props[id_]["value"] = update
        changed = [[id_, "change"] for id_ in message["output"].get("changed_state_ids") or []]
        for after, next_ in self.functions.items():
            targets = [list(target) for target in next_["targets"]]
            if next_.get("trigger_after") == number or any(c in targets for c in changed):
                self._call(after)
