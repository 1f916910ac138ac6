"""Questions written by a teacher model for the passages of a collection, each verified against its passage.

The teacher is any OpenAI-compatible endpoint, and only what `--teacher` names is contacted. Replies are kept beside the
dataset as they come, so that a stopped generation goes on where it was and nothing is paid for twice.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpora.progress import Count, uncounted
from corpora.records import Chunk, Evidence, Question, content_id
from corpora.text.quote_location import locate
from raft.teachers.openai_endpoint import Teacher

_INSTRUCTION = (
    "You write test questions for professionals. From the passage below write one question that it answers, in the words of "
    "somebody who has not seen it and who names the subject. Reply with one JSON object and nothing else: "
    '{"question": "...", "quote": "the one sentence of the passage that answers, copied exactly", "answer": "the shortest part of '
    'that sentence that answers, copied exactly"}.'
)


def teach(
    teacher: Teacher,
    chunks: Sequence[Chunk],
    journal: Path,
    progress: Count = uncounted,
) -> tuple[list[Question], list[tuple[str, str]]]:
    """A verified question for each chunk, and `(chunk id, reason)` for each reply that was not usable.

    `journal` is a JSONL file of the replies so far, keyed by teacher model and chunk; it is read first and appended to.
    """
    replies = _read_journal(journal, teacher.model)
    questions: list[Question] = []
    dropped: list[tuple[str, str]] = []
    journal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with journal.open("a", encoding="utf-8") as handle:
        for number, chunk in enumerate(chunks, start=1):
            if chunk.id not in replies:
                replies[chunk.id] = teacher.reply(f"{_INSTRUCTION}\n\nPassage:\n{chunk.title}\n{chunk.text}")
                handle.write(json.dumps({"model": teacher.model, "chunk": chunk.id, "reply": replies[chunk.id]}) + "\n")
                handle.flush()
                os.fsync(handle.fileno())
            question_or_reason = question_from_reply(replies[chunk.id], chunk)
            if isinstance(question_or_reason, str):
                dropped.append((chunk.id, question_or_reason))
            else:
                questions.append(question_or_reason)
            progress(number, len(chunks))
    return questions, dropped


def question_from_reply(reply: str, chunk: Chunk) -> Question | str:
    """The question in a teacher's reply, or the reason why it cannot be used.

    A quote must be in the passage, verbatim.
    """
    match = re.search(r"\{.*\}", reply, re.S)
    try:
        value: Any = json.loads(match[0]) if match else None
    except ValueError:
        value = None
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in ("question", "quote", "answer")):
        return "the teacher's reply is not the JSON asked for"
    question, quote, answer = (value[key].strip() for key in ("question", "quote", "answer"))
    if not question.endswith("?") or len(question.split()) < 4:
        return "the teacher wrote no question"
    if locate(quote, chunk.text) is None:
        return "the teacher's quote is not in the passage"
    if locate(answer, quote) is None:
        return "the teacher's answer is not in its quote"
    return Question(
        content_id("teacher", chunk.id, question), question, (answer,), (Evidence(chunk.title, quote),), chunk.title
    )


def _read_journal(path: Path, model: str) -> dict[str, str]:
    replies: dict[str, str] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue  # a line torn by a kill: that one reply is asked for again
            if row.get("model") == model:
                replies[row["chunk"]] = row["reply"]
    return replies
