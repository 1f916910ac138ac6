"""Judged sets on disk, in BEIR's form, and the command line that is run on them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from serving.main import raftsmith


def write_beir_folder(
    folder: Path, documents: Mapping[str, str], queries: Mapping[str, str], answers: Mapping[str, str]
) -> Path:
    """`documents` and `queries` id → text, `answers` query id → the document that is relevant."""
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": identity, "title": "", "text": text} for identity, text in documents.items()]
    asked = [{"_id": identity, "text": text} for identity, text in queries.items()]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus))
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    judged = "".join(f"{query}\t{document}\t1\n" for query, document in answers.items())
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return folder


def run(*words: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(raftsmith, list(words), catch_exceptions=True)


def value(*words: str) -> dict[str, Any]:
    """What it prints with --json."""
    done = run(*words, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
