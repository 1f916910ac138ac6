"""The command `generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from corpora.commands.field_mapping import read_field_mapping
from corpora.commands.terminal import Progress, emit, opened, say, with_example, workspace_options


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
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Make RAFT examples from question-answer pairs, or from a teacher's."""
    from corpora.questions.rows import FIELDS
    from raft.examples.generate import generate_dataset

    if not files and not teacher:
        raise click.UsageError("give --from-qa FILE with questions you have, or --teacher URL to have some written")
    mapping = {field: columns[0] for field, columns in read_field_mapping(pairs, FIELDS).items()}
    arguments = files, name, teacher, teacher_model, limit, mapping
    manifest = generate_dataset(opened(workspace_folder), *arguments, say=say, progress=Progress("passages"))
    counts = manifest["counts"]
    lines = [
        f"{counts['examples']} examples over {counts['contexts']} contexts from {counts['questions']} questions: "
        + ", ".join(f"{split} {count}" for split, count in counts["by_split"].items()),
        _documents(counts["documents_by_split"], manifest["options"]),
        "what they teach: " + ", ".join(f"{policy} {count}" for policy, count in counts["by_policy"].items()),
        *[f"dropped {count}: {reason}" for reason, count in counts["dropped"].items()],
        f"next: raftsmith train --dataset {name}",
    ]
    emit(manifest, as_json, "\n".join(lines))


def _documents(by_split: dict[str, int], options: dict[str, Any]) -> str:
    """How many documents each split has, beside what was asked; few test documents make the evaluation say little."""
    total = max(1, sum(by_split.values()))
    shares = ", ".join(f"{split} {count} ({count / total:.0%})" for split, count in by_split.items())
    asked, realised = options["test_fraction"], by_split.get("test", 0) / total
    few = f"; warning: a test share of {asked:.0%} was asked for, so evaluation will say little" if realised < asked / 2 else ""
    return f"documents: {shares}{few}"
