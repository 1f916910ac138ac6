"""The commands of raft: `generate`, `train`, `evaluate`, `models`, `purge`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import Progress, emit, opened, say, with_example, workspace_options
from corpora.errors import DatasetError

if TYPE_CHECKING:
    from corpora.records import Question
    from corpora.workspace.workspace import Workspace


@click.command("generate", **with_example("raftsmith generate --from-qa questions.json --name first"))
@click.option(
    "--from-qa",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Questions with answers: SQuAD, PubMedQA, BioASQ, MedQuAD (also a folder), gorilla RAFT, JSONL, CSV; may be repeated.",
)
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Column of JSONL or CSV that holds the question, answer, evidence, document or id; may be repeated. "
    "Default: recognised by usual names.",
)
@click.option("--teacher", help="An OpenAI-compatible endpoint that writes questions, e.g. http://127.0.0.1:8000/v1.")
@click.option("--teacher-model", default="default", show_default=True, help="The model's name at the teacher.")
@click.option("--limit", type=click.IntRange(1), help="Chunks that the teacher writes questions for, at most.")
@click.option("--name", default="default", show_default=True, help="Name of the dataset; one that exists is made again.")
@workspace_options
def generate(
    files: tuple[Path, ...],
    pairs: tuple[str, ...],
    teacher: str | None,
    teacher_model: str,
    limit: int | None,
    name: str,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Make RAFT examples from question-answer pairs, or from a teacher's."""
    if not files and not teacher:
        raise click.UsageError("give --from-qa FILE with questions you have, or --teacher URL to have some written")
    mapping = _mapping(pairs)
    manifest = generate_dataset(opened(workspace), files, name, teacher, teacher_model, limit, mapping)
    counts = manifest["counts"]
    lines = [
        f"{counts['examples']} examples over {counts['contexts']} contexts from {counts['questions']} questions: "
        + ", ".join(f"{split} {count}" for split, count in counts["by_split"].items()),
        "what they teach: " + ", ".join(f"{policy} {count}" for policy, count in counts["by_policy"].items()),
        *[f"dropped {count}: {reason}" for reason, count in counts["dropped"].items()],
        f"next: raftsmith train --dataset {name}",
    ]
    emit(manifest, as_json, "\n".join(lines))


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in pairs:
        field, sign, column = pair.partition("=")
        if not (field and sign and column):
            raise click.UsageError(f"--map takes FIELD=COLUMN, e.g. --map question=prompt; got {pair!r}")
        if field in mapping:
            raise click.UsageError(f"--map gives {field} twice: {mapping[field]} and {column}")
        mapping[field] = column
    return mapping


def generate_dataset(
    workspace: Workspace,
    files: tuple[Path, ...],
    name: str,
    teacher: str | None = None,
    teacher_model: str = "default",
    limit: int | None = None,
    mapping: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Build the dataset `name` and give its manifest. Raises DatasetError when nothing usable is left.

    `mapping` names the columns of files with rows, see `read_questions`.
    """
    from corpora.questions import read_questions
    from raft.abstention import as_text, fit_support, measure_support
    from raft.examples.assembly import ExampleOptions, build_examples, ground, observations, search_questions
    from raft.examples.dataset import write_dataset
    from raft.teachers.question_writing import Teacher, teach
    from retrieval.indexing.duplicate_clusters import clusters_of
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
        known = {question.id for question in questions}
        questions += [question for question in read.questions if question.id not in known]
        wrong += [(question.id, "the id occurs in two files") for question in read.questions if question.id in known]
        wrong += read.dropped
    if teacher:
        source = Teacher(teacher, teacher_model)
        journal = workspace.root / "datasets" / f"{name}.teacher.jsonl"
        written, unusable = teach(source, chunks[:limit], journal, Progress("passages"))
        questions += written
        wrong += unusable
    options = ExampleOptions(**workspace.config.generate.model_dump())
    grounding = ground(questions, collected.store, options)
    if not grounding.questions:
        counts = Counter(reason for _, reason in [*wrong, *grounding.dropped])
        reasons = "; ".join(f"{count} x {reason}" for reason, count in sorted(counts.items())) or "the files hold none"
        raise DatasetError(f"no usable question: {reasons}; add the documents that the questions are about first")
    say(f"{len(grounding.questions)} questions found in the collection; mining distractors")
    found = search_questions(grounding, collected.retriever, options)
    examples = build_examples(grounding, found, options)
    passages = options.distractors + 1
    fitting, judging = support_splits(workspace)
    support = fit_support(observations(grounding, found, fitting, passages), passages)
    measure = None
    if support is None:
        say(f"too few {fitting[0]} questions, or search missed too few of them, to learn from search when to abstain")
    else:
        held = observations(grounding, found, judging, passages)
        measure = measure_support(support, held, workspace.config.ask.min_support)
        say(as_text(measure) if measure else "no held-out questions to measure abstaining on")
    sources = [path.name for path in files] + ([f"teacher {teacher_model}"] if teacher else [])
    learnt = (support, measure) if support else None
    shown = {passage.document_id for example in examples for passage in example.passages}
    documents = [document for document in collected.store.documents() if document.id in shown]
    clusters = clusters_of(documents, workspace.config.ingest.cluster_similarity)
    snapshot = collected.store.snapshot
    return write_dataset(folder, name, grounding, wrong, examples, options, snapshot, sources, learnt, clusters)


def support_splits(workspace: Workspace) -> tuple[list[str], list[str]]:
    """Splits of the questions that abstaining is fitted on, and of those that it is judged on.

    Search that was tuned to the training questions finds these better than new ones, so they say nothing of when it misses.
    """
    from retrieval.tuning.tuning_run import tuned_in

    config = workspace.config
    if tuned_in(workspace.root, config.models.encoder, config.search.rerank):
        return ["validation"], ["test"]
    return ["train"], ["validation", "test"]


@click.command("train", **with_example("raftsmith train --dataset first --adapter qlora --run first-qlora"))
@click.option("--dataset", required=True, help="A dataset of this workspace.")
@click.option("--base", help="Base model: packaged name, folder or hub id; default: models.base of raftsmith.toml.")
@click.option("--adapter", type=click.Choice(["qlora", "lora", "none"]), help="Default: train.adapter of raftsmith.toml.")
@click.option("--run", "run_name", help="Name of the run; default: DATASET-ADAPTER. One that was stopped goes on.")
@click.option("--epochs", type=click.FloatRange(0, min_open=True), help="Passes over the examples.")
@click.option("--learning-rate", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Peak learning rate.")
@click.option("--rank", type=click.IntRange(1), help="Rank of the adapter.")
@click.option("--max-examples", type=click.IntRange(1), help="Training examples at most.")
@workspace_options
def train(
    dataset: str,
    base: str | None,
    adapter: str | None,
    run_name: str | None,
    epochs: float | None,
    learning_rate: float | None,
    rank: int | None,
    max_examples: int | None,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Tune a base model on a dataset: QLoRA, LoRA, or all weights. Stop it with Ctrl-C; the same command goes on."""
    flags = {"adapter": adapter, "epochs": epochs, "learning_rate": learning_rate, "rank": rank, "max_examples": max_examples}
    given = {key: value for key, value in flags.items() if value is not None}
    result = train_run(opened(workspace), dataset, run_name, base, given)
    text = (
        f"{result['run']}: {result['steps']} steps over {result['examples']} examples in {result['seconds']:.0f} s, "
        f"validation loss {result['validation_loss']}\nloss curve: {result['folder']}/loss.png\n"
        f"next: raftsmith evaluate --dataset {dataset} --run {result['run']}"
    )
    emit(result, as_json, text)


def train_run(
    workspace: Workspace, dataset: str, run_name: str | None, base: str | None, given: dict[str, Any]
) -> dict[str, Any]:
    """Train or resume one run and give its result. `given` are TrainOptions that go over the configuration's."""
    from raft.abstention import read_support
    from raft.examples.dataset import read_dataset
    from raft.examples.reviews import apply_reviews, as_text, read_reviews
    from raft.training.methods.sft import train as run_training
    from raft.training.run_record import TrainOptions
    from retrieval.model_folders import resolve_model
    from retrieval.search.collection import quiet_libraries

    data = read_dataset(workspace.dataset(dataset))
    reviews = read_reviews(workspace.dataset(dataset))
    examples = data.examples
    if reviews:
        reviewed = apply_reviews(examples, reviews.reviews)
        say(as_text(reviewed))
        examples = reviewed.examples
    options = TrainOptions(**{**workspace.config.train.model_dump(), **given})
    name = run_name or f"{dataset}-{options.adapter}"
    quiet_libraries()
    model = resolve_model(base or workspace.config.models.base, say)
    support = read_support(workspace.dataset(dataset))
    digest = reviews.digest if reviews else None
    result = run_training(name, workspace.run(name), model, data.name, data.digest, examples, options, say, support, digest)
    return asdict(result)


@click.command("evaluate", **with_example("raftsmith evaluate --dataset first --run first-qlora --limit 60"))
@click.option("--dataset", required=True, help="A dataset of this workspace; its test documents are asked about.")
@click.option("--run", "runs", multiple=True, help="A run to judge beside the base model; may be repeated.")
@click.option("--report", "report_name", help="Name of the report; default: the dataset's.")
@click.option("--limit", type=click.IntRange(1), help="Questions at most, drawn at random with a fixed seed.")
@workspace_options
def evaluate(
    dataset: str, runs: tuple[str, ...], report_name: str | None, limit: int | None, workspace: Path | None, as_json: bool
) -> None:
    """Measure whether tuning helped: base and tuned models on the same held-out questions, with retrieval in the loop."""
    value, text = evaluate_runs(opened(workspace), dataset, runs, report_name or dataset, limit)
    emit(value, as_json, text)


def evaluate_runs(
    workspace: Workspace, dataset: str, runs: tuple[str, ...], report_name: str, limit: int | None
) -> tuple[dict[str, Any], str]:
    """Evaluate, write the report, and give its JSON and its table with the verdicts."""
    from raft.answering.open_assistant import open_assistant, run_config
    from raft.evaluation.arms import BASE_ARM, as_json, held_out
    from raft.evaluation.arms import evaluate as judge_arms
    from raft.evaluation.report import table, verdict, write_report
    from raft.examples.dataset import read_dataset
    from retrieval.search.collection import open_collection

    data = read_dataset(workspace.dataset(dataset))
    held = held_out(data.questions, limit)
    for run in runs:
        trained_on = run_config(workspace, run)["dataset_digest"]
        if trained_on != data.digest:
            say(f"warning: {run} was trained on another dataset; its training documents may be among the held-out ones")
    collected = open_collection(workspace, say)
    names: list[str | None] = [None, *runs]
    arms = {run or BASE_ARM: (lambda run=run: open_assistant(workspace, collected.retriever, run, say)) for run in names}
    evaluation = judge_arms(held, collected.retriever, arms, Progress("answers"))
    facts = {
        "dataset": f"{data.name} ({data.digest[:16]})",
        "questions": f"{len(held)} of the test split",
        "base": workspace.config.models.base,
        "encoder": collected.encoder.name,
        "passages": workspace.config.ask.passages,
        "snapshot": collected.store.snapshot,
    }
    folder = workspace.report(report_name)
    write_report(folder, evaluation, facts)
    verdicts = [verdict(evaluation, run) for run in runs]
    value = {"report": str(folder), **as_json(evaluation), "verdicts": dict(zip(runs, verdicts, strict=True))}
    return value, "\n\n".join([table(evaluation.measures), *verdicts, f"report: {folder}/report.md, {folder}/report.png"])


@click.command("models", **with_example("raftsmith models --json"))
@click.option(
    "--tokens", default=768, show_default=True, type=click.IntRange(1), help="Row length that memory is computed for."
)
@click.option("--model", "extra", multiple=True, help="Also a folder or a hub id that is here already.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def models(tokens: int, extra: tuple[str, ...], as_json: bool) -> None:
    """List what can be used here: parameters, context, licence, and the memory each way of using it needs."""
    from raft.model_selection.listing import list_models

    rows = list_models(extra, tokens, say)
    lines = [
        f"{'model':34} {'parameters':>11} {'context':>8} {'licence':12} {'inference':>9} {'LoRA':>7} {'QLoRA':>7} {'full':>7}"
    ]
    for row in rows:
        need = row["memory_gb"] or {}
        cells = [f"{need[key]:.1f} GB" if key in need else "–" for key in ("inference", "lora", "qlora", "full")]
        lines.append(
            f"{row['name']:34} {row['parameters'] / 1e6:>9.1f} M {row['context']:>8} {row['licence']:12} "
            f"{cells[0]:>9} {cells[1]:>7} {cells[2]:>7} {cells[3]:>7}"
        )
    lines.append(f"memory: peak of a process on a CPU, float32, for rows of {tokens} tokens")
    emit({"models": rows}, as_json, "\n".join(lines))


@click.command("purge", **with_example("raftsmith purge contracts/withdrawn.pdf --yes"))
@click.argument("names", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask.")
@workspace_options
def purge(names: tuple[str, ...], yes: bool, workspace: Path | None, as_json: bool) -> None:
    """Take documents out for good: nothing of them is left in the workspace, and what was built on them is flagged.

    The files themselves are left alone. Backups of the workspace are yours to purge. Stop `serve` and `annotate` first: what
    they read cannot be scrubbed. Without NAMES, scrubbing that was interrupted or refused is done again.
    """
    from corpora.commands.init import files_of
    from corpora.store.corpus_store import CorpusStore
    from corpora.store.writer_lock import single_writer
    from serving.purge import purge_files

    place = opened(workspace)
    with single_writer(place.root):
        store = CorpusStore(place.database)
        held = files_of(store, names, history=True)
        if held and not yes:
            click.confirm(f"purge {', '.join(path for path, _ in held)}? This cannot be undone", abort=True, err=True)
        report = purge_files(place, store, held)
        store.close()
    lines = [f"{len(report.documents)} documents purged (snapshot {report.snapshot})"]
    for kind, flagged in (("dataset", report.datasets), ("run", report.runs), ("report", report.reports)):
        lines += [f"{kind} {name} was built on them" for name in flagged]
    emit(asdict(report), as_json, "\n".join(lines))
