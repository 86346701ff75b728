"""/api/v1/documents: documents in, listed, published, out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse

from chatbot.app import App
from knowledge.ingest import LONGEST_FOLDER
from knowledge.types import Document, Ingested
from ui.commands.documents import report, row
from ui.routes.paging import After, Limit, behind, page
from ui.routes.staff_route import caller

LONGEST = 200  # characters of a file's name
Collection = Annotated[str, Form(min_length=1, max_length=100)]
Folder = Annotated[str, Form(max_length=LONGEST_FOLDER)]


def add(routes: APIRouter, app: App) -> None:
    """The routes."""

    @routes.get("/documents")
    def documents(
        limit: Limit = 50,
        after: After = None,
        collection: Annotated[str | None, Query(max_length=100)] = None,
    ) -> dict[str, Any]:
        """Documents by collection and path."""
        found = sorted(app.knowledge.documents(collection), key=_place)
        return page(behind(found, _place, after, limit), limit, row, _place)

    @routes.post("/documents", status_code=201)
    def upload(
        request: Request,
        file: UploadFile,
        collection: Collection = "default",
        draft: Annotated[bool, Form()] = False,
        folder: Folder = "",
        replaces: Annotated[str, Form(max_length=100)] = "",
    ) -> JSONResponse:
        """Add a file, or the files of a zip archive; a known name becomes a new version.

        `folder` puts it into a folder of the collection. `replaces`, the id of a document, makes
        it the next version of that one, whatever its name; collection and folder do not count.
        """
        name = _name(file.filename)
        request.state.act.object = name
        found = app.knowledge.find(replaces) if replaces else None
        with tempfile.TemporaryDirectory(prefix="zhike-api-") as copies:
            path = Path(copies) / name
            with path.open("wb") as copy:
                shutil.copyfileobj(file.file, copy)
            who, add = caller(request).name, app.knowledge.add
            if found is None:
                results = list(add([path], collection, origin=who, draft=draft, folder=folder))
            else:
                collection = found.collection
                new = app.knowledge.supersede(found.id, path, origin=who, draft=draft)
                results = [new]
        _prepare(app, collection, results)
        failed = [r for r in results if r.status == "failed"]
        if results and len(failed) == len(results):
            raise HTTPException(422, failed[0].error or "The file could not be added.")
        status = 201 if any(r.status == "added" for r in results) else 200
        return JSONResponse({"items": [_result(r) for r in results]}, status)

    @routes.get("/documents/{document_id}")
    def document(document_id: str, passages: bool = False) -> dict[str, Any]:
        """One document; with `passages=true` also what answers are made from."""
        found = app.knowledge.find(document_id)
        shown = row(found)
        if passages:
            chunks = app.knowledge.chunks(found.id)
            shown["passages"] = [
                {"id": p.id, "heading": p.heading, "text": p.text, "page": p.page} for p in chunks
            ]
        return shown

    @routes.delete("/documents/{document_id}", status_code=204)
    def remove(document_id: str) -> Response:
        """Remove a document with all versions, from search and from the disk."""
        app.knowledge.remove(app.knowledge.find(document_id).id)
        return Response(status_code=204)

    @routes.post("/documents/{document_id}/publish")
    def publish(document_id: str) -> dict[str, Any]:
        """End the review of a draft."""
        found = app.knowledge.find(document_id)
        app.knowledge.publish(found.id)
        return row(app.knowledge.find(found.id))


def _name(given: str | None) -> str:
    """The file's own name, never a path (ASVS 5.3.2). Raises HTTPException."""
    name = (given or "").replace("\\", "/").rpartition("/")[2].strip()
    bad = not name or name in (".", "..") or len(name) > LONGEST or not name.isprintable()
    if bad or len(name.encode()) > 255:
        raise HTTPException(422, f"file: give it a name of at most {LONGEST} characters.")
    return name


def _place(document: Document) -> str:
    return f"{document.collection}\n{document.path}"


def _prepare(app: App, collection: str, results: Sequence[Ingested]) -> None:
    """Embed the sentences now, so that the first question need not wait."""
    names = {r.document for r in results if r.status == "added"}
    for found in app.knowledge.documents(collection) if names else ():
        if found.path in names:
            app.scorer.prepare(app.knowledge.chunks(found.id))


def _result(result: Ingested) -> dict[str, Any]:
    return {
        "document": result.document,
        "status": result.status,
        "chunks": result.chunks,
        "draft": result.draft,
        "error": result.error,
        "warnings": list(result.warnings),
        **report(result.report),
    }
