"""The annotation store: questions with evidence, labels and reviews, in one SQLite file of the workspace.

Offsets are in characters (code points) of the cleaned document, end exclusive, and what stands there is checked against
the document at every write. Annotations belong to a named set, reviews to a dataset. Several people may write at once,
also from several processes: whoever says what they saw (`expected_version`, `expected_class`) changes that and nothing
newer. Knows no HTTP and no file formats.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpora.errors import AnnotationError
from corpora.questions.evidence import tidy
from corpora.records import Document
from corpora.store.database import Database, Layout
from raft.examples.reviews import Review
from raft.records import Quote
from serving.annotate.records import AnnotatedQuestion, Annotations, Conflict, Label, Span, checked, verify, version

FORMAT = 1
MAX_CLASSES = 100
MAX_CLASS_CHARACTERS = 100
# Every table that is about a document names it in `document_id`: purging relies on it.
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE questions (id TEXT PRIMARY KEY, set_name TEXT NOT NULL, document_id TEXT NOT NULL, text TEXT NOT NULL) STRICT;
CREATE INDEX questions_document ON questions(set_name, document_id);
CREATE TABLE spans (
  question_id TEXT NOT NULL REFERENCES questions(id) ON DELETE CASCADE, role TEXT NOT NULL, position INTEGER NOT NULL,
  document_id TEXT NOT NULL, "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (question_id, role, position)) STRICT;
CREATE TABLE classes (
  set_name TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (set_name, name)) STRICT;
CREATE TABLE labels (
  set_name TEXT NOT NULL, document_id TEXT NOT NULL, "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL,
  name TEXT NOT NULL, PRIMARY KEY (set_name, document_id, "start", "end")) STRICT;
CREATE TABLE reviews (
  dataset TEXT NOT NULL, example_id TEXT NOT NULL, verdict TEXT NOT NULL, judged TEXT NOT NULL, completion TEXT NOT NULL,
  quotes TEXT NOT NULL, PRIMARY KEY (dataset, example_id)) STRICT;
"""


class AnnotationStore:
    """The annotations at `path`, made when absent with mode 0600.

    Raises CorruptStore, or StoreError for a newer format.
    """

    def __init__(self, path: Path, documents: Callable[[str], Document | None]) -> None:
        """`documents` gives a document by its id: what is written is checked against it."""
        self.path = path
        self._documents = documents
        self._db = Database(path, Layout("an annotation store", FORMAT, _SCHEMA))

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def questions(self, set_name: str, document_id: str | None = None) -> list[AnnotatedQuestion]:
        """The questions of a set, or those about one document, in the order in which they were first written."""
        return self._questions("set_name = ?1 AND (?2 IS NULL OR document_id = ?2)", (set_name, document_id))

    def question(self, set_name: str, question_id: str) -> AnnotatedQuestion | None:
        """The question of this id, if the set has it."""
        return next(iter(self._questions("set_name = ?1 AND id = ?2", (set_name, question_id))), None)

    def save_question(
        self, set_name: str, question: AnnotatedQuestion, expected_version: str | None = None
    ) -> AnnotatedQuestion:
        """Write a question, or another version of it, and give it as written; see `checked`.

        `expected_version` is the `version` that is to be changed, "" for a new question; None changes whatever there
        is. Raises AnnotationError, and Conflict when there is another version by now.
        """
        question = checked(question, self._document(question.document_id))
        with self._db.changing():
            self._check_unchanged(version(self.question(set_name, question.id)), expected_version, "this question")
            self._db.execute(
                "INSERT INTO questions VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET text = excluded.text, "
                "document_id = excluded.document_id WHERE set_name = excluded.set_name",
                (question.id, set_name, question.document_id, question.text),
            )
            if self._db.execute("SELECT set_name FROM questions WHERE id = ?", (question.id,)).fetchone()[0] != set_name:
                raise AnnotationError(f"question {question.id} is in another set; give it another id")
            self._db.execute("DELETE FROM spans WHERE question_id = ?", (question.id,))
            for role, spans in (("answer", question.answers), ("evidence", question.evidence)):
                rows = [(question.id, role, n, question.document_id, s.start, s.end, s.text) for n, s in enumerate(spans)]
                self._db.executemany("INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        return question

    def delete_question(self, set_name: str, question_id: str, expected_version: str | None = None) -> bool:
        """Delete a question; False when the set has none of this id.

        `expected_version` as for `save_question`; raises Conflict.
        """
        with self._db.changing():
            stored = self.question(set_name, question_id)
            if stored:
                self._check_unchanged(version(stored), expected_version, "this question")
            return self._delete("questions", set_name=set_name, id=question_id)

    def classes(self, set_name: str) -> list[str]:
        """The classes of a set, in the order in which they were added."""
        return [
            row[0] for row in self._db.execute("SELECT name FROM classes WHERE set_name = ? ORDER BY position", (set_name,))
        ]

    def add_classes(self, set_name: str, names: Sequence[str]) -> list[str]:
        """Add the classes that the set lacks, and give all.

        Raises AnnotationError for too many, or a name without a letter.
        """
        tidied = [tidy(name) for name in names]
        with self._db.changing():
            classes = list(dict.fromkeys([*self.classes(set_name), *tidied]))
            if len(classes) > MAX_CLASSES or not all(0 < len(name) <= MAX_CLASS_CHARACTERS for name in tidied):
                raise AnnotationError(
                    f"accepted: up to {MAX_CLASSES} classes with names of 1 to {MAX_CLASS_CHARACTERS} characters"
                )
            rows = [(set_name, name, position) for position, name in enumerate(classes)]
            self._db.execute("DELETE FROM classes WHERE set_name = ?", (set_name,))
            self._db.executemany("INSERT INTO classes VALUES (?, ?, ?)", rows)
        return classes

    def remove_class(self, set_name: str, name: str) -> list[str]:
        """Take a class away and give those that are left. Raises AnnotationError for one that labels use."""
        with self._db.changing():
            if self._db.execute("SELECT 1 FROM labels WHERE set_name = ? AND name = ?", (set_name, name)).fetchone():
                raise AnnotationError(f"class {name!r} is in use; remove its labels first, or keep it")
            self._delete("classes", set_name=set_name, name=name)
        return self.classes(set_name)

    def labels(self, set_name: str, document_id: str | None = None) -> list[Label]:
        """The labels of a set, or of one document, by document and offset."""
        rows = self._db.execute(
            'SELECT document_id, "start", "end", text, name FROM labels WHERE set_name = ?1 AND (?2 IS NULL OR document_id = ?2) '
            'ORDER BY document_id, "start", "end"',
            (set_name, document_id),
        )
        return [Label(document, Span(start, end, text), name) for document, start, end, text, name in rows]

    def save_label(self, set_name: str, label: Label, expected_class: str | None = None) -> None:
        """Write a label over what this part of the document was labelled before.

        `expected_class` is the class that it was seen to have, "" for none; None writes over whatever there is. Raises
        AnnotationError, and Conflict when it has another by now.
        """
        span = label.span
        verify(span, self._document(label.document_id))
        with self._db.changing():
            classes = self.classes(set_name)
            if label.name not in classes:
                accepted = ", ".join(classes) or "none yet"
                raise AnnotationError(f"{label.name!r} is no class of set {set_name}; accepted: {accepted}")
            self._check_unchanged(
                self._label_at(set_name, label.document_id, span.start, span.end), expected_class, "the label of this text"
            )
            row = (set_name, label.document_id, span.start, span.end, span.text, label.name)
            self._db.execute("INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?, ?, ?)", row)

    def delete_label(self, set_name: str, document_id: str, start: int, end: int, expected_class: str | None = None) -> bool:
        """Delete the label of this part of the document; False when it has none.

        `expected_class` as for `save_label`; raises Conflict.
        """
        with self._db.changing():
            stored_class = self._label_at(set_name, document_id, start, end)
            if stored_class:
                self._check_unchanged(stored_class, expected_class, "the label of this text")
            return self._delete("labels", set_name=set_name, document_id=document_id, start=start, end=end)

    def reviews(self, dataset: str) -> list[Review]:
        """The reviews of a dataset, by example id."""
        return self._reviews("dataset = ?", (dataset,))

    def review(self, dataset: str, example_id: str) -> Review | None:
        """The review of one example, if there is one."""
        return next(iter(self._reviews("dataset = ? AND example_id = ?", (dataset, example_id))), None)

    def verdicts(self, dataset: str) -> dict[str, str]:
        """Example id → verdict of those that were reviewed."""
        return dict(self._db.execute("SELECT example_id, verdict FROM reviews WHERE dataset = ?", (dataset,)).fetchall())

    def save_review(self, dataset: str, review: Review, expected_version: str | None = None) -> None:
        """Write a review over an earlier one of the example.

        `expected_version` is the `version` of the earlier one, "" for none; None writes over whatever there is. Raises
        AnnotationError when a quote is not where it says, and Conflict when there is another review by now.
        """
        for quote in review.quotes:
            verify(Span(quote.start, quote.end, quote.text), self._document(quote.document_id))
        quotes = json.dumps([asdict(quote) for quote in review.quotes], ensure_ascii=False)
        row = (dataset, review.example_id, review.verdict, review.judged, review.completion, quotes)
        with self._db.changing():
            self._check_unchanged(
                version(self.review(dataset, review.example_id)), expected_version, "the review of this example"
            )
            self._db.execute("INSERT OR REPLACE INTO reviews VALUES (?, ?, ?, ?, ?, ?)", row)

    def delete_review(self, dataset: str, example_id: str, expected_version: str | None = None) -> bool:
        """Delete the review of an example; False when it has none.

        `expected_version` as for `save_review`; raises Conflict.
        """
        with self._db.changing():
            stored = self.review(dataset, example_id)
            if stored:
                self._check_unchanged(version(stored), expected_version, "the review of this example")
            return self._delete("reviews", dataset=dataset, example_id=example_id)

    def everything(self, set_name: str, dataset: str | None = None) -> Annotations:
        """All annotations of a set and, where one is named, the reviews of a dataset."""
        reviews = tuple(self.reviews(dataset)) if dataset else ()
        questions, labels = tuple(self.questions(set_name)), tuple(self.labels(set_name))
        return Annotations(tuple(self.classes(set_name)), questions, labels, reviews)

    def counts(self, set_name: str) -> dict[str, tuple[int, int]]:
        """Document id → (questions, labels) of the set; documents without either are left out."""
        by_document: dict[str, list[int]] = {}
        for column, table in enumerate(("questions", "labels")):
            counted = f"SELECT document_id, count(*) FROM {table} WHERE set_name = ? GROUP BY document_id"  # noqa: S608 - constant
            for document_id, count in self._db.execute(counted, (set_name,)):
                by_document.setdefault(document_id, [0, 0])[column] = count
        return {document_id: (pair[0], pair[1]) for document_id, pair in by_document.items()}

    def _questions(self, where: str, values: tuple[Any, ...]) -> list[AnnotatedQuestion]:
        chosen = f"SELECT id, document_id, text FROM questions WHERE {where} ORDER BY rowid"  # noqa: S608 - constant
        spans: dict[tuple[str, str], list[Span]] = {}
        for question_id, role, *span in self._db.execute(
            f'SELECT question_id, role, "start", "end", text FROM spans WHERE question_id IN (SELECT id FROM ({chosen})) '  # noqa: S608
            "ORDER BY position",
            values,
        ):
            spans.setdefault((question_id, role), []).append(Span(*span))
        return [
            AnnotatedQuestion(name, document, text, *(tuple(spans.get((name, role), ())) for role in ("answer", "evidence")))
            for name, document, text in self._db.execute(chosen, values)
        ]

    def _reviews(self, where: str, values: tuple[Any, ...]) -> list[Review]:
        rows = self._db.execute(
            f"SELECT example_id, verdict, judged, completion, quotes FROM reviews WHERE {where} ORDER BY example_id",  # noqa: S608
            values,
        )
        return [
            Review(example, verdict, judged, completion, tuple(Quote(**quote) for quote in json.loads(quotes)))
            for example, verdict, judged, completion, quotes in rows
        ]

    def _label_at(self, set_name: str, document_id: str, start: int, end: int) -> str:
        row = self._db.execute(
            'SELECT name FROM labels WHERE set_name = ? AND document_id = ? AND "start" = ? AND "end" = ?',
            (set_name, document_id, start, end),
        ).fetchone()
        return str(row[0]) if row else ""

    @staticmethod
    def _check_unchanged(current: str, expected: str | None, subject: str) -> None:
        if expected is not None and expected != current:
            raise Conflict(f"{subject} was changed by somebody else meanwhile; look at it as it is now, and decide again")

    def _document(self, document_id: str) -> Document:
        document = self._documents(document_id)
        if document is None:
            raise AnnotationError(f"document {document_id} is not in the collection; choose one that is, or add its file again")
        return document

    def _delete(self, table: str, **key: Any) -> bool:
        where = " AND ".join(f'"{column}" = ?' for column in key)
        return self._db.execute(f"DELETE FROM {table} WHERE {where}", tuple(key.values())).rowcount > 0  # noqa: S608 - constant
