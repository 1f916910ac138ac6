"""The annotation page's server: JSON under /api, the page at /. What is annotated is `serving.annotation`'s business.

The page shows whole documents and writes: so it answers only to this machine and to pages of its own (promise S20), allows no
script and no connection but its own (promise S12), and holds every request to its bounds (promise S19).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request, Response
from fastapi import Path as InPath
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from corpora.errors import AnnotationError, DatasetError, RaftsmithError
from corpora.records import content_id
from raft.prompts import parse_completion
from raft.records import RaftExample
from raft.reviews import Review, completion_id, judge
from serving.admission import Gate
from serving.annotate_schemas import ClassesIn, LabelIn, PlaceIn, QuestionIn, ReviewIn
from serving.annotation_desk import Desk
from serving.annotation_exchange import part_of
from serving.annotation_records import Label
from serving.boundary import Boundary
from serving.errors import ApiError, error_response, install_handlers

STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Identity = Annotated[str, InPath(min_length=1, max_length=100, pattern=r"^[\w.:-]+$")]
Start = Annotated[int, Query(ge=0, le=10**9)]
Limit = Annotated[int, Query(ge=1, le=500)]


class Headers:
    """ASGI middleware: headers that hold the browser to this server, on every answer, errors included."""

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


def create_annotate_app(desk: Desk) -> FastAPI:
    """The application for one person at one desk; its `Gate` is `app.state.gate`, as `serving.server` wants it."""
    app = FastAPI(title="raftsmith annotate", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.gate = Gate()
    app.add_middleware(Boundary)
    app.add_middleware(Headers)
    install_handlers(app)

    def refused(request: Request, error: Exception) -> Response:
        wrong = isinstance(error, AnnotationError | DatasetError)
        code = "invalid_annotation" if wrong else "store_error"
        return error_response(ApiError(400 if wrong else 500, str(error), code=code))

    app.add_exception_handler(RaftsmithError, refused)
    _add_page(app)
    _add_documents(app, desk)
    _add_writing(app, desk)
    _add_reviewing(app, desk)
    return app


# All work is done on the event loop: there is one person, every step is short, and the two databases are used from one thread.


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


def _add_documents(app: FastAPI, desk: Desk) -> None:
    @app.get("/api/state")
    async def state() -> dict[str, Any]:
        dataset = desk.dataset.name if desk.dataset else None
        classes = desk.annotations.classes(desk.set_name)
        return {"set": desk.set_name, "collection": desk.collection, "dataset": dataset, "classes": classes}

    @app.get("/api/documents")
    async def documents(
        start: Start = 0, limit: Limit = 100, query: Annotated[str, Query(max_length=200)] = ""
    ) -> dict[str, Any]:
        wanted = query.casefold()
        found = [e for e in desk.overview() if wanted in f"{e['title']}\n{e['source']}".casefold()]
        counts = desk.annotations.counts(desk.set_name)
        rows = []
        for entry in found[start : start + limit]:
            questions, labels = counts.get(entry["document_id"], (0, 0))
            shown = {key: entry[key] for key in ("document_id", "title", "collection", "characters")}
            rows.append({**shown, "file": Path(entry["source"]).name, "questions": questions, "labels": labels})
        return {"total": len(found), "documents": rows}

    @app.get("/api/documents/{document_id}")
    async def document(document_id: Identity) -> dict[str, Any]:
        found = desk.document(document_id)
        chunks = [{"start": c.start, "end": c.end, "section": c.section} for c in desk.store.chunks(found.id)]
        return {
            "document_id": found.id,
            "title": found.title,
            "file": Path(found.source).name,
            "text": found.text,
            "chunks": chunks,
            "questions": [asdict(question) for question in desk.annotations.questions(desk.set_name, found.id)],
            "labels": _shown_labels(desk.annotations.labels(desk.set_name, found.id)),
        }


def _add_writing(app: FastAPI, desk: Desk) -> None:
    @app.post("/api/questions", status_code=201)
    async def new_question(request: QuestionIn) -> dict[str, Any]:
        document = desk.document(request.document_id)
        identity = content_id("question", desk.set_name, document.id, request.text, str(time.time_ns()))
        return asdict(desk.annotations.save_question(desk.set_name, request.question(identity)))

    @app.put("/api/questions/{question_id}")
    async def change_question(question_id: Identity, request: QuestionIn) -> dict[str, Any]:
        document = desk.document(request.document_id)
        if all(question.id != question_id for question in desk.annotations.questions(desk.set_name, document.id)):
            raise ApiError(404, "this document has no such question; write it as a new one", code="not_found")
        return asdict(desk.annotations.save_question(desk.set_name, request.question(question_id)))

    @app.delete("/api/questions/{question_id}")
    async def delete_question(question_id: Identity) -> dict[str, bool]:
        return {"deleted": desk.annotations.delete_question(desk.set_name, question_id)}

    @app.put("/api/classes")
    async def classes(request: ClassesIn) -> dict[str, list[str]]:
        return {"classes": desk.annotations.set_classes(desk.set_name, request.names)}

    @app.put("/api/labels")
    async def label(request: LabelIn) -> dict[str, Any]:
        document = desk.document(request.document_id)
        span = part_of(document, request.start, request.end)
        desk.annotations.save_label(desk.set_name, Label(document.id, span, request.name))
        return {"labels": _shown_labels(desk.annotations.labels(desk.set_name, document.id))}

    @app.post("/api/labels/remove")
    async def remove_label(request: PlaceIn) -> dict[str, Any]:
        document = desk.document(request.document_id)
        desk.annotations.delete_label(desk.set_name, document.id, request.start, request.end)
        return {"labels": _shown_labels(desk.annotations.labels(desk.set_name, document.id))}


def _add_reviewing(app: FastAPI, desk: Desk) -> None:
    def reviews() -> dict[str, Review]:
        return {review.example_id: review for review in desk.annotations.reviews(desk.dataset.name)} if desk.dataset else {}

    @app.get("/api/examples")
    async def examples(
        start: Start = 0, limit: Limit = 100, show: Literal["all", "open", "accept", "edit", "reject"] = "all"
    ) -> dict[str, Any]:
        known = reviews()
        verdicts = {name: known[name].verdict if name in known else "open" for name in desk.examples}
        found = [name for name, verdict in verdicts.items() if show in ("all", verdict)]
        rows = [
            {
                "id": name,
                "question": desk.examples[name].question,
                "split": desk.examples[name].split,
                "verdict": verdicts[name],
            }
            for name in found[start : start + limit]
        ]
        return {"total": len(found), "reviewed": sum(verdict != "open" for verdict in verdicts.values()), "examples": rows}

    @app.get("/api/examples/{example_id}")
    async def example(example_id: Identity) -> dict[str, Any]:
        _, found = desk.example(example_id)
        return _shown_example(found, reviews().get(found.id))

    @app.put("/api/reviews/{example_id}")
    async def review(example_id: Identity, request: ReviewIn) -> dict[str, Any]:
        name, found = desk.example(example_id)
        if request.judged and request.judged != completion_id(found):
            raise ApiError(409, "the dataset was made again since; start the page again", code="changed")
        decided = judge(found, request.verdict, request.completion, desk.shown(found))
        desk.annotations.save_review(name, decided)
        return _shown_example(found, decided)

    @app.delete("/api/reviews/{example_id}")
    async def undo(example_id: Identity) -> dict[str, Any]:
        name, found = desk.example(example_id)
        desk.annotations.delete_review(name, found.id)
        return _shown_example(found, None)

    @app.post("/api/reviews/write")
    async def write() -> dict[str, int]:
        return {"written": desk.write_reviews()}


def _shown_labels(labels: Sequence[Label]) -> list[dict[str, Any]]:
    return [{"start": label.span.start, "end": label.span.end, "name": label.name} for label in labels]


def _shown_example(example: RaftExample, review: Review | None) -> dict[str, Any]:
    """The example with what stands now: the edited completion where there is one, else the generated one."""
    parsed = parse_completion(review.completion if review and review.verdict == "edit" else example.completion)
    return {
        "id": example.id,
        "judged": completion_id(example),
        "question": example.question,
        "policy": example.policy,
        "split": example.split,
        "passages": [{"title": passage.title, "text": passage.text} for passage in example.passages],
        "answer": parsed.answer,
        "quotes": list(parsed.quotes),
        "abstained": parsed.abstained,
        "verdict": review.verdict if review else "open",
    }
