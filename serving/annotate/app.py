"""The annotation page's server: JSON under /api, the page at /.

What is annotated is `serving.annotate.store`'s business. The page shows whole documents and writes: so it answers only
to whoever has its address (`serving.annotate.access`), only to this machine and to pages of its own (promise S20),
allows no script and no connection but its own (promise S12), and holds every request to its bounds (promise S19).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from corpora.errors import AnnotationError, DatasetError, RaftsmithError
from corpora.records import content_id
from serving.annotate.access import Access
from serving.annotate.formats.exchange import part_of
from serving.annotate.records import AnnotatedQuestion, Conflict, Label, version
from serving.annotate.review_routes import add_reviewing
from serving.annotate.schemas import ClassIn, Identity, LabelIn, PlaceIn, QuestionIn, Text, following
from serving.annotate.session import AnnotationSession
from serving.http.admission import Admission
from serving.http.errors import ApiError, error_response, install_handlers
from serving.http.request_guard import RequestGuard
from serving.http.request_log import RequestLog

STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Headers:
    """ASGI middleware that adds headers which hold the browser to this server, on every answer, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application with the headers added."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers)


def create_annotate_app(session: AnnotationSession, token: str) -> FastAPI:
    """The annotation page's application, for whoever opens /?token=... with `token`.

    Its `Admission` is `app.state.admission`, as `serving.http.server` needs it.
    """
    app = FastAPI(title="raftsmith annotate", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.admission = Admission()
    app.add_middleware(RequestGuard)
    app.add_middleware(Access, token=token)
    app.add_middleware(Headers)
    app.add_middleware(RequestLog)
    install_handlers(app)

    def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, Conflict):
            return error_response(ApiError(409, str(error), code="conflict"))
        wrong = isinstance(error, AnnotationError | DatasetError)
        code = "invalid_annotation" if wrong else "store_error"
        return error_response(ApiError(400 if wrong else 500, str(error), code=code))

    app.add_exception_handler(RaftsmithError, refused)
    _add_page(app)
    _add_documents(app, session)
    _add_questions(app, session)
    _add_labels(app, session)
    add_reviewing(app, session)
    return app


# All work is done on the event loop: there are few people, every step is short, and one thread uses the two databases.


def _add_page(app: FastAPI) -> None:
    files = {path.name: path for path in STATIC.iterdir() if path.suffix in _TYPES}

    @app.get("/")
    async def page() -> Response:
        return Response((STATIC / "annotate.html").read_bytes(), media_type=_TYPES[".html"])

    @app.get("/favicon.ico", status_code=204)
    async def icon() -> None:
        return None

    @app.get("/static/{name}")
    async def static(name: str) -> Response:
        if name not in files:
            raise ApiError(404, "there is no such file", code="not_found")
        return Response(files[name].read_bytes(), media_type=_TYPES[files[name].suffix])


def _add_documents(app: FastAPI, session: AnnotationSession) -> None:
    @app.get("/api/state")
    async def state() -> dict[str, Any]:
        dataset = session.dataset.name if session.dataset else None
        classes = session.annotations.classes(session.set_name)
        return {"set": session.set_name, "collection": session.collection, "dataset": dataset, "classes": classes}

    @app.get("/api/documents")
    async def documents(
        task: Literal["questions", "labels"] = "questions",
        show: Literal["all", "todo", "done"] = "all",
        query: Text = "",
        after: Text = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> dict[str, Any]:
        """A page of the list of documents, from behind the document `after`.

        Not from an offset: what is done meanwhile leaves a list of what is to do and must not shift it.
        """
        counts = session.annotations.counts(session.set_name)
        column = ("questions", "labels").index(task)
        done_ids = {document_id for document_id, pair in counts.items() if pair[column]}
        entries = session.search(query)
        begin = following([entry["document_id"] for entry in entries], after)
        matches = [
            entry for entry in entries[begin:] if show == "all" or (entry["document_id"] in done_ids) == (show == "done")
        ]
        rows = []
        for entry in matches[:limit]:
            questions, labels = counts.get(entry["document_id"], (0, 0))
            row = {key: entry[key] for key in ("title", "collection", "characters")}
            row |= {"id": entry["document_id"], "file": Path(entry["source"]).name}
            rows.append({**row, "questions": questions, "labels": labels})
        everything = session.overview()
        progress = {"all": len(everything), "done": sum(entry["document_id"] in done_ids for entry in everything)}
        return {"rows": rows, "more": len(matches) > limit, "counts": progress}

    @app.get("/api/documents/{document_id}")
    async def document(document_id: Identity, query: Text = "") -> dict[str, Any]:
        document = session.document(document_id)
        chunks = session.store.chunks(document.id)
        return {
            "id": document.id,
            "title": document.title,
            "file": Path(document.source).name,
            "text": document.text,
            "chunks": [{"start": c.start, "end": c.end, "section": c.section} for c in chunks],
            "found": [{"start": c.start, "end": c.end} for c in session.matching_chunks(query, chunks)],
            "questions": _shown_questions(session, document.id),
            "labels": _shown_labels(session, document.id),
        }


def _add_questions(app: FastAPI, session: AnnotationSession) -> None:
    @app.get("/api/documents/{document_id}/questions")
    async def questions(document_id: Identity) -> dict[str, Any]:
        return {"questions": _shown_questions(session, session.document(document_id).id)}

    @app.post("/api/questions", status_code=201)
    async def new_question(request: QuestionIn) -> dict[str, Any]:
        document = session.document(request.document_id)
        identity = content_id("question", session.set_name, document.id, request.text, str(time.time_ns()))
        return _shown_question(
            session.annotations.save_question(session.set_name, request.question(identity), expected_version="")
        )

    @app.put("/api/questions/{question_id}")
    async def change_question(question_id: Identity, request: QuestionIn) -> dict[str, Any]:
        document = session.document(request.document_id)
        stored = session.annotations.question(session.set_name, question_id)
        if stored is None or stored.document_id != document.id:
            raise ApiError(404, "this document has no such question by now; write it as a new one", code="not_found")
        return _shown_question(session.annotations.save_question(session.set_name, request.question(question_id), request.seen))

    @app.delete("/api/questions/{question_id}")
    async def delete_question(question_id: Identity, seen: Text = "") -> dict[str, bool]:
        return {"deleted": session.annotations.delete_question(session.set_name, question_id, seen)}


def _add_labels(app: FastAPI, session: AnnotationSession) -> None:
    @app.post("/api/classes")
    async def add_class(request: ClassIn) -> dict[str, list[str]]:
        return {"classes": session.annotations.add_classes(session.set_name, [request.name])}

    @app.post("/api/classes/remove")
    async def remove_class(request: ClassIn) -> dict[str, list[str]]:
        return {"classes": session.annotations.remove_class(session.set_name, request.name)}

    @app.get("/api/documents/{document_id}/labels")
    async def labels(document_id: Identity) -> dict[str, Any]:
        classes = session.annotations.classes(session.set_name)
        return {"classes": classes, "labels": _shown_labels(session, session.document(document_id).id)}

    @app.put("/api/labels")
    async def label(request: LabelIn) -> dict[str, Any]:
        document = session.document(request.document_id)
        span = part_of(document, request.start, request.end)
        session.annotations.save_label(session.set_name, Label(document.id, span, request.name), request.seen)
        return {"labels": _shown_labels(session, document.id)}

    @app.post("/api/labels/remove")
    async def remove_label(request: PlaceIn) -> dict[str, Any]:
        document = session.document(request.document_id)
        session.annotations.delete_label(session.set_name, document.id, request.start, request.end, request.seen)
        return {"labels": _shown_labels(session, document.id)}


def _shown_question(question: AnnotatedQuestion) -> dict[str, Any]:
    return {**asdict(question), "version": version(question)}


def _shown_questions(session: AnnotationSession, document_id: str) -> Sequence[dict[str, Any]]:
    return [_shown_question(question) for question in session.annotations.questions(session.set_name, document_id)]


def _shown_labels(session: AnnotationSession, document_id: str) -> list[dict[str, Any]]:
    labels = session.annotations.labels(session.set_name, document_id)
    return [{"start": label.span.start, "end": label.span.end, "name": label.name} for label in labels]
