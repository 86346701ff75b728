"""Where an upload goes: a folder of its collection, or in place of a document that is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr

from knowledge.curation import DOCUMENT
from knowledge.errors import NotFound, OtherType, WrongFolder
from knowledge.ingest import LONGEST_FOLDER, check_replaces, folder_named
from knowledge.knowledge_base import KnowledgeBase
from ui.labels import Labels
from ui.pages.notices import QUIET
from ui.texts import Texts, texts
from ui.uploads import Upload

Updates = dict[Any, Any]


class Refused(Exception):
    """Why files cannot go there, in the language of the page."""


class UploadPlace:
    """Two fields of which one counts: a folder, or the document that the file replaces."""

    def __init__(self, knowledge: KnowledgeBase, labels: Labels) -> None:
        self._knowledge, self._labels = knowledge, labels

    def build(self) -> None:
        """The fields."""
        self.folder = self._labels.add(
            gr.Dropdown(
                [""], value="", allow_custom_value=True, min_width=200, elem_id="upload-folder"
            ),
            label="upload.folder",
        )
        self.replaced = self._labels.add(
            gr.Dropdown([("", "")], value="", min_width=200, elem_id="upload-replaced"),
            label="upload.replaced",
        )
        self.filled = [self.folder, self.replaced]

    def events(self, collection: gr.Dropdown, language: gr.Radio) -> None:
        """Who chooses one leaves the other; both follow the collection."""
        given = [collection, *self.filled, language]
        collection.input(self._offered, given, self.filled, **QUIET)
        for one, other in ((self.folder, self.replaced), (self.replaced, self.folder)):
            one.input(_left, [one, other], other, **QUIET)

    def _offered(
        self, collection: str | None, folder: str | None, replaced: str | None, language: str
    ) -> Updates:
        return self.fill(collection or "default", folder, replaced, texts(language))

    def fill(
        self, collection: str, folder: str | None, replaced: str | None, words: Texts
    ) -> Updates:
        """What the documents of the collection offer; the choice stays where it is offered still.

        folder, replaced: what is chosen.
        """
        files = [d for d in self._knowledge.documents(collection) if d.path != DOCUMENT]
        folders = sorted({str(PurePosixPath(d.path).parent) for d in files} - {"."})
        choices = [(words("upload.by_name"), ""), *((d.path, d.id) for d in files)]
        known = replaced if replaced in {d.id for d in files} else ""
        return {
            self.folder: gr.update(choices=["", *folders], value=folder or ""),
            self.replaced: gr.update(choices=choices, value=known),
        }

    def uploads(
        self,
        files: Sequence[Path],
        how: tuple[str, bool],
        folder: str | None,
        replaced: str | None,
        words: Texts,
    ) -> list[Upload]:
        """The files as they are to be added. how: collection, as a draft. Raises Refused."""
        if replaced:
            return [self._replacing(files, how[1], replaced, words)]
        try:
            inside = folder_named(folder or "")
        except WrongFolder:
            raise Refused(words("upload.wrong_folder", limit=LONGEST_FOLDER)) from None
        return [Upload(file, *how, folder=inside) for file in files]

    def _replacing(self, files: Sequence[Path], draft: bool, replaced: str, words: Texts) -> Upload:
        if len(files) > 1:
            raise Refused(words("upload.one_file"))
        (file,) = files
        try:
            document = self._knowledge.find(replaced)
        except NotFound:
            raise Refused(words("document.gone")) from None
        try:
            check_replaces(file.name, document.path)
        except OtherType:
            path, ending = document.path, PurePosixPath(document.path).suffix
            said = words("upload.other_type", name=file.name, path=path, type=ending)
            raise Refused(said) from None
        return Upload(file, document.collection, draft, replaces=document.id)


def _left(one: str | None, other: str | None) -> str:
    """The other field once one was chosen."""
    return "" if one else other or ""
