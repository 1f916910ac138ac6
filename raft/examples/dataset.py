"""A RAFT dataset on disk, complete once its manifest is written.

A folder with `examples.jsonl`, `questions.jsonl`, `support.json` (when to abstain), `README.md` (the card), and
`manifest.json` last.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from corpora.durable_files import sha256_file, write_atomic, write_json
from corpora.errors import DatasetError
from corpora.records import Question
from corpora.splits import SPLITS
from corpora.workspace.purge_mark import is_purged
from raft.abstention import FILE as SUPPORT_FILE
from raft.abstention import AbstentionModel, SupportMeasure, write_support
from raft.examples.grounding import Grounding
from raft.examples.options import ExampleOptions
from raft.examples.reviews import FILE as REVIEWS_FILE
from raft.records import RaftExample

FORMAT = 1


@dataclass(frozen=True)
class DatasetQuestion:
    """A question as the dataset keeps it for evaluation, with its split, oracle chunks and their documents."""

    question: Question
    split: str
    oracles: tuple[str, ...]
    oracle_documents: tuple[str, ...]


@dataclass(frozen=True)
class RaftDataset:
    """A loaded dataset. `digest` is the SHA-256 of its examples file."""

    name: str
    manifest: dict[str, Any]
    examples: tuple[RaftExample, ...]
    questions: tuple[DatasetQuestion, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of `examples.jsonl`."""
        return str(self.manifest["files"]["examples.jsonl"])


def write_dataset(
    folder: Path,
    name: str,
    grounding: Grounding,
    wrong: Sequence[tuple[str, str]],
    examples: Sequence[RaftExample],
    options: ExampleOptions,
    snapshot: int,
    sources: Sequence[str],
    support: tuple[AbstentionModel, SupportMeasure | None] | None = None,
    cluster_of: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Write the dataset and give its manifest. Refuses (DatasetError) when a document would be in two splits' prompts.

    With `cluster_of`, document id → cluster of near-duplicates, it refuses near-duplicates in two splits as well.
    Reviews that lie in `folder` stay: they are people's work, and one whose example is another now is not applied.
    """
    leak = leaks(examples, cluster_of)
    if leak:
        raise DatasetError(
            f"{len(leak)} documents, or near-duplicates of them, occur in prompts of more than one split, e.g. {leak[0]}; "
            "nothing was written; `raftsmith inspect` lists them: `raftsmith remove` all but one of each"
        )
    reviews = (folder / REVIEWS_FILE).read_bytes() if (folder / REVIEWS_FILE).exists() else None
    shutil.rmtree(folder, ignore_errors=True)
    if reviews is not None:
        write_atomic(folder / REVIEWS_FILE, reviews)
    questions = [
        DatasetQuestion(g.question, g.split, tuple(c.id for c in g.oracles), tuple(c.document_id for c in g.oracles))
        for g in grounding.questions
    ]
    write_atomic(folder / "examples.jsonl", _lines(examples))
    write_atomic(folder / "questions.jsonl", _lines(sorted(questions, key=lambda h: h.question.id)))
    files = ["examples.jsonl", "questions.jsonl"]
    if support:
        write_support(folder, support[0])
        files.append(SUPPORT_FILE)
    manifest = {
        "format": FORMAT,
        "name": name,
        "snapshot": snapshot,
        "options": asdict(options),
        "sources": list(sources),
        "counts": _counts(grounding, wrong, examples),
        "abstention": asdict(support[1]) if support and support[1] else None,
        "files": {file: sha256_file(folder / file) for file in files},
    }
    write_atomic(folder / "README.md", _card(name, manifest).encode())
    write_json(folder / "manifest.json", manifest)
    return manifest


def read_dataset(folder: Path) -> RaftDataset:
    """A complete dataset whose files are as its manifest says. Raises DatasetError."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except OSError as error:
        names = sorted(path.parent.name for path in folder.parent.glob("*/manifest.json"))
        hint = f"datasets here: {', '.join(names)}" if names else "there is none yet; run `raftsmith generate`"
        raise DatasetError(f"no complete dataset in {folder}; {hint}") from error
    if is_purged(folder):
        raise DatasetError(f"{folder} was made from documents that have been purged since; generate it again")
    if manifest.get("format") != FORMAT:
        raise DatasetError(
            f"{folder} has dataset format {manifest.get('format')}, this raftsmith reads {FORMAT}; generate it again"
        )
    for file, digest in manifest["files"].items():
        if not (folder / file).exists() or sha256_file(folder / file) != digest:
            raise DatasetError(f"{folder / file} is not as its manifest says; generate the dataset again")
    try:
        examples = _read_lines(folder / "examples.jsonl", TypeAdapter(RaftExample))
        questions = _read_lines(folder / "questions.jsonl", TypeAdapter(DatasetQuestion))
    except ValidationError as error:
        raise DatasetError(
            f"{folder} holds a record that cannot be read ({error.errors()[0]['msg']}); generate it again"
        ) from error
    return RaftDataset(str(manifest["name"]), manifest, tuple(examples), tuple(questions))


def leaks(examples: Sequence[RaftExample], cluster_of: Mapping[str, str] | None = None) -> list[str]:
    """Ids of documents that occur among the passages of more than one split, sorted.

    With `cluster_of`, document id → cluster of near-duplicates, also those of which a near-duplicate is in another
    split.
    """
    clusters = cluster_of or {}
    splits: dict[str, set[str]] = {}
    occurrences = {(passage.document_id, example.split) for example in examples for passage in example.passages}
    for document, split in occurrences:
        splits.setdefault(clusters.get(document, document), set()).add(split)
    return sorted({document for document, _ in occurrences if len(splits[clusters.get(document, document)]) > 1})


def _lines(records: Sequence[Any]) -> bytes:
    return "".join(json.dumps(asdict(r), ensure_ascii=False, sort_keys=True) + "\n" for r in records).encode()


def _read_lines(path: Path, adapter: TypeAdapter[Any]) -> list[Any]:
    with path.open(encoding="utf-8") as handle:
        return [adapter.validate_json(line) for line in handle]


def _counts(grounding: Grounding, wrong: Sequence[tuple[str, str]], examples: Sequence[RaftExample]) -> dict[str, Any]:
    dropped = Counter(reason for _, reason in [*wrong, *grounding.dropped])
    return {
        "questions": len(grounding.questions) + len(grounding.dropped) + len(wrong),
        "examples": len(examples),
        "contexts": len({example.context for example in examples}),
        "by_split": {split: sum(example.split == split for example in examples) for split in SPLITS},
        "by_policy": dict(sorted(Counter(example.policy for example in examples).items())),
        "oracle_position": dict(sorted(Counter(_position(e) for e in examples if e.policy == "answer").items())),
        "documents_by_split": dict(sorted(Counter(grounding.splits.values()).items())),
        "dropped": dict(sorted(dropped.items())),
    }


def _position(example: RaftExample) -> str:
    position = next((i for i, passage in enumerate(example.passages, start=1) if passage.chunk_id in example.oracles), 0)
    return str(position)


def _card(name: str, manifest: dict[str, Any]) -> str:
    counts, options = manifest["counts"], manifest["options"]
    dropped = "\n".join(f"- {count}: {reason}" for reason, count in counts["dropped"].items()) or "- none"
    return f"""# {name}

A RAFT dataset (arXiv 2403.10131): {counts["examples"]} examples over {counts["contexts"]} contexts of {options["distractors"] + 1} documents,
made by raftsmith from {", ".join(manifest["sources"]) or "generated questions"} at snapshot {manifest["snapshot"]} of the collection.

- splits by document: {", ".join(f"{split} {count}" for split, count in counts["by_split"].items())}
- oracle present in {options["oracle_fraction"]:.0%} of the answerable examples; what each example teaches: {counts["by_policy"]}
- distractors mined from the index and screened, {options["random_fraction"]:.0%} random; seed {options["seed"]}

Questions that were dropped:
{dropped}

It quotes the documents of the collection: treat it as confidential as they are.
"""
