"""A dataset made from a collection and questions: read, grounded, searched, assembled, written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpora.errors import DatasetError
from corpora.ingest.options import IngestOptions
from corpora.progress import Count, Say, quiet, uncounted
from raft.answering.options import AskOptions

if TYPE_CHECKING:
    from corpora.records import Question
    from corpora.workspace.workspace import Workspace


def generate_dataset(
    workspace: Workspace,
    files: Sequence[Path],
    name: str = "default",
    teacher: str | None = None,
    teacher_model: str = "default",
    limit: int | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    say: Say = quiet,
    progress: Count = uncounted,
) -> dict[str, Any]:
    """Build the dataset `name` and give its manifest. Raises DatasetError when nothing usable is left.

    `mapping` names the columns of files with rows, see `read_questions`. `say` gets a line for each stage, `progress`
    how many of the passages the teacher has answered.
    """
    from corpora.questions import read_questions
    from corpora.text.near_duplicates import clusters_of
    from raft.abstention import as_text, fit_support, measure_support
    from raft.examples.assembly import build_examples
    from raft.examples.dataset import write_dataset
    from raft.examples.grounding import ground, observations, search_questions
    from raft.examples.options import ExampleOptions
    from raft.teachers.openai_endpoint import Teacher
    from raft.teachers.question_writing import teach
    from retrieval.search.collection import open_collection

    folder = workspace.dataset(name)
    collected = open_collection(workspace, say)
    chunks = collected.store.chunks()
    if not chunks:
        raise DatasetError("the collection is empty; run `raftsmith add` first")
    questions: list[Question] = []
    wrong: list[tuple[str, str]] = []
    for path in files:
        read = read_questions(path, mapping)
        say(f"{path.name}: {len(read.questions)} questions ({read.format}), {len(read.dropped)} dropped")
        known_ids = {question.id for question in questions}
        questions += [question for question in read.questions if question.id not in known_ids]
        wrong += [(question.id, "the id occurs in two files") for question in read.questions if question.id in known_ids]
        wrong += read.dropped
    if teacher:
        source = Teacher(teacher, teacher_model)
        journal = workspace.root / "datasets" / f"{name}.teacher.jsonl"
        written, unusable = teach(source, chunks[:limit], journal, progress)
        questions += written
        wrong += unusable
    options = workspace.options(ExampleOptions)
    grounding = ground(questions, collected.store, options)
    if not grounding.questions:
        counts = Counter(reason for _, reason in [*wrong, *grounding.dropped])
        reasons = "; ".join(f"{count} x {reason}" for reason, count in sorted(counts.items())) or "the files hold none"
        raise DatasetError(f"no usable question: {reasons}; add the documents that the questions are about first")
    say(f"{len(grounding.questions)} questions found in the collection; mining distractors")
    search_results = search_questions(grounding, collected.retriever, options)
    examples = build_examples(grounding, search_results, options)
    passages = options.distractors + 1
    fitting, judging = support_splits(workspace)
    support = fit_support(observations(grounding, search_results, fitting, passages), passages)
    measure = None
    if support is None:
        say(f"too few {fitting[0]} questions, or search missed too few of them, to learn from search when to abstain")
    else:
        judged_cases = observations(grounding, search_results, judging, passages)
        measure = measure_support(support, judged_cases, workspace.options(AskOptions).min_support)
        say(as_text(measure) if measure else "no held-out questions to measure abstaining on")
    sources = [path.name for path in files] + ([f"teacher {teacher_model}"] if teacher else [])
    learnt = (support, measure) if support else None
    document_ids = {passage.document_id for example in examples for passage in example.passages}
    documents = [document for document in collected.store.documents() if document.id in document_ids]
    clusters = clusters_of(documents, workspace.options(IngestOptions).cluster_similarity)
    snapshot = collected.store.snapshot
    return write_dataset(folder, name, grounding, wrong, examples, options, snapshot, sources, learnt, clusters)


def support_splits(workspace: Workspace) -> tuple[list[str], list[str]]:
    """Splits of the questions that abstaining is fitted on, and of those that it is judged on.

    Search that was tuned to the training questions finds these better than new ones, so they say nothing of when it
    misses.
    """
    from retrieval.search.options import tuned_here

    if tuned_here(workspace):
        return ["validation"], ["test"]
    return ["train"], ["validation", "test"]
