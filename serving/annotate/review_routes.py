"""The routes for reviewing generated examples.

Verdicts are saved at once, and written for training a moment later. Knows how an example and its review are shown; what
a review means is `raft.examples.reviews`' business.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query

from corpora.errors import RaftsmithError
from raft.examples.reviews import Review, completion_id, judge
from raft.prompts.format import parse_completion
from raft.records import RaftExample
from serving.annotate.records import version
from serving.annotate.schemas import Identity, ReviewIn, Text, following
from serving.annotate.session import AnnotationSession
from serving.http.errors import ApiError

WRITE_AFTER_S = 1.0
log = logging.getLogger("raftsmith.serving")
Show = Literal["all", "open", "accept", "edit", "reject"]


class Writer:
    """Writes the reviews to where `train` reads them, once for all verdicts of a second."""

    def __init__(self, session: AnnotationSession) -> None:
        """`session` knows where."""
        self._session = session
        self._waiting = False
        self.problem = ""  # why the last writing failed; said with every answer until one works

    def soon(self) -> None:
        """Write the reviews about a second from now."""
        if not self._waiting:
            self._waiting = True
            asyncio.get_running_loop().call_later(WRITE_AFTER_S, self.write)

    def write(self) -> None:
        """Write the reviews now; a failure is kept for the next answer, and ending the page tries again."""
        self._waiting = False
        try:
            self._session.write_reviews()
            self.problem = ""
        except (OSError, RaftsmithError) as error:
            self.problem = (
                f"saved, but not yet where `train` reads it: {error}; it is tried again at the next verdict and at the end"
            )
            log.error("reviews could not be written for training: %s", type(error).__name__)


def add_reviewing(app: FastAPI, session: AnnotationSession) -> None:
    """Add the review routes to `app`."""
    writer = Writer(session)

    def counts(verdicts: dict[str, str]) -> dict[str, int]:
        reviewed = [verdicts[name] for name in session.examples if name in verdicts]
        by_verdict = {verdict: reviewed.count(verdict) for verdict in ("accept", "edit", "reject")}
        return {"all": len(session.examples), "reviewed": len(reviewed), **by_verdict}

    def answered(name: str, example: RaftExample, review: Review | None) -> dict[str, Any]:
        payload = shown_example(example, review)
        return {**payload, "counts": counts(session.annotations.verdicts(name)), "problem": writer.problem}

    @app.get("/api/examples")
    async def examples(
        show: Show = "all", query: Text = "", after: Text = "", limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> dict[str, Any]:
        """A page of the list of examples, from behind the example `after`.

        Not from an offset: what is reviewed meanwhile leaves a list of open ones and must not shift it.
        """
        verdicts = session.annotations.verdicts(session.dataset.name) if session.dataset else {}
        folded_query = query.strip().casefold()
        names = list(session.examples)
        begin = following(names, after)
        matches = [
            {"id": name, "number": number, "question": session.examples[name].question, "verdict": verdicts.get(name, "open")}
            for number, name in enumerate(names[begin:], start=begin + 1)
            if show in ("all", verdicts.get(name, "open"))
            and (not folded_query or folded_query in _searched(session.examples[name]))
        ]
        return {"rows": matches[:limit], "more": len(matches) > limit, "counts": counts(verdicts)}

    @app.get("/api/examples/{example_id}")
    async def example(example_id: Identity) -> dict[str, Any]:
        name, example = session.example(example_id)
        return answered(name, example, session.annotations.review(name, example.id))

    @app.put("/api/reviews/{example_id}")
    async def review(example_id: Identity, request: ReviewIn) -> dict[str, Any]:
        name, example = session.example(example_id)
        if request.judged and request.judged != completion_id(example):
            raise ApiError(409, "the dataset was made again since; start the page again", code="changed")
        decided = judge(example, request.verdict, request.completion, session.passage_chunks(example))
        session.annotations.save_review(name, decided, request.seen)
        writer.soon()
        return answered(name, example, decided)

    @app.delete("/api/reviews/{example_id}")
    async def undo(example_id: Identity, seen: Text = "") -> dict[str, Any]:
        name, example = session.example(example_id)
        session.annotations.delete_review(name, example.id, seen)
        writer.soon()
        return answered(name, example, None)


def _searched(example: RaftExample) -> str:
    return f"{example.question}\n{example.answer}".casefold()


def shown_example(example: RaftExample, review: Review | None) -> dict[str, Any]:
    """The example as the page shows it, with the edited completion where there is one, else the generated one."""
    parsed = parse_completion(review.completion if review and review.verdict == "edit" else example.completion)
    return {
        "id": example.id,
        "judged": completion_id(example),
        "question": example.question,
        "policy": example.policy,
        "split": example.split,
        "passages": [
            {"title": passage.title, "text": passage.text, "oracle": passage.chunk_id in example.oracles}
            for passage in example.passages
        ],
        "answer": parsed.answer,
        "quotes": [text for _, text in parsed.quotes],
        "abstained": parsed.abstained,
        "verdict": review.verdict if review else "open",
        "version": version(review),
    }
