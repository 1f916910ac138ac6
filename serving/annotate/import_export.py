"""Export of annotations to a file, and import from one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.annotate.formats.exchange import Incoming
    from serving.annotate.session import AnnotationSession


def export_file(session: AnnotationSession, path: Path, form: str) -> dict[str, Any]:
    """Write the annotations of the set to `path`, and to files named after it, and give what was written.

    Where a dataset is open its reviews are among them.
    """
    from corpora.durable_files import write_atomic
    from corpora.store.evidence_location import EvidenceLocator
    from serving.annotate.formats.exchange import Sources
    from serving.annotate.formats.jsonl_and_squad import written

    everything = session.annotations.everything(session.set_name, session.dataset.name if session.dataset else None)
    sources = Sources(EvidenceLocator(session.store, session.collection), session.examples.values())
    files, left_out = written(everything, form, sources)
    names = {ending: path.with_name(path.stem + ending) if ending else path for ending in files}
    for ending, text in files.items():
        write_atomic(names[ending], text.encode())
    return {
        "files": [str(name) for name in names.values()],
        "format": form,
        "questions": len(everything.questions),
        "labels": len(everything.labels),
        "reviews": len(everything.reviews),
        "left_out": dict(sorted(Counter(reason for _, reason in left_out).items())),
    }


def import_file(session: AnnotationSession, path: Path, form: str) -> dict[str, Any]:
    """Import the annotations of a file, and give the counts and, for each part that was dropped, the reason.

    What has an id that is known is replaced. Raises RaftsmithError when the file cannot be read as this format.
    """
    from corpora.questions.content import read_text
    from corpora.store.evidence_location import EvidenceLocator
    from serving.annotate.formats.exchange import Sources
    from serving.annotate.formats.jsonl_and_squad import read

    sources = Sources(EvidenceLocator(session.store, session.collection), session.examples.values())
    incoming = read(read_text(path), form, sources)
    counts = take_in(session, incoming)
    dropped = [{"what": part, "reason": reason} for part, reason in incoming.dropped]
    return {"file": str(path), "format": form, **counts, "dropped": dropped}


def take_in(session: AnnotationSession, incoming: Incoming) -> dict[str, int]:
    """Write what was read into the set and the dataset, and give the counts.

    What is refused joins `incoming.dropped`.
    """
    from corpora.errors import AnnotationError, DatasetError
    from raft.examples.reviews import completion_id, judge

    store, name = session.annotations, session.set_name
    store.add_classes(name, [*incoming.classes, *(label.name for label in incoming.labels)])
    counts = Counter(questions=0, labels=0, reviews=0)
    for question in incoming.questions:
        with incoming.part(f"question {question.id}"):
            store.save_question(name, question)
            counts["questions"] += 1
    for label in incoming.labels:
        with incoming.part(f"label of {label.document_id} at {label.span.start}"):
            store.save_label(name, label)
            counts["labels"] += 1
    for review in incoming.reviews:
        with incoming.part(f"review of {review.example_id}"):
            example = session.examples.get(review.example_id)
            if example is None or session.dataset is None:
                raise AnnotationError("no such example is open; name its dataset with --dataset")
            if review.judged not in ("", completion_id(example)):
                raise AnnotationError("the example has changed since it was reviewed")
            try:
                decided = judge(example, review.verdict, review.completion, session.passage_chunks(example))
            except DatasetError as error:
                raise AnnotationError(str(error)) from error
            store.save_review(session.dataset.name, decided)
            counts["reviews"] += 1
    if incoming.reviews:
        session.write_reviews()
    return dict(counts)
