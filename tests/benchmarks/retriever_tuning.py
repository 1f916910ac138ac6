"""Does an encoder tuned to a collection find more, on documents that it was not tuned on? With the default recipe, on the CPU.

    python tests/benchmarks/retriever_tuning.py --work /tmp/tuning --set dc_code
    python tests/benchmarks/retriever_tuning.py --work /tmp/tuning --collect --json tests/benchmarks/results/retriever_tuning.json

Each set is indexed with the untuned encoder and tuned as `raftsmith tune-encoder --beir` does it. How much was forgotten is measured on
sets of other fields. Needs the folder of data sets (../shared/data).
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from environment import environment
from judged_sets import SETS, RetrievalSet, dc_code, irish_acts, write_beir

from corpora.commands.terminal import Progress, say
from corpora.workspace.toml_edit import with_value
from corpora.workspace.workspace import CONFIG, Workspace, create_workspace, open_workspace
from retrieval.encoders.encoder import Encoder
from retrieval.evaluation.judgement_sources import Source, open_judged_index
from retrieval.tuning.adoption import tune_workspace_encoder
from retrieval.tuning.encoder_comparison import Gain, compare_encoders, judged_collection
from retrieval.tuning.encoder_tuning import TuningOptions
from serving.configuration import SECTIONS

TUNED = {
    "irish_acts": irish_acts,
    "dc_code": lambda: dc_code(documents=10_000),
    **{name: SETS[name] for name in ("legal_plain_summ", "privacyqa", "medquad", "apibench", "pubmedqa")},
}
"""Every judged set but the samples, which are few. privacyqa has no test split: its questions share sentences."""
ELSEWHERE = {"pubmedqa": SETS["pubmedqa"], "medquad": SETS["medquad"]}
"""What the encoders tuned to statutes must not forget: sets of another field."""
ALIKE = {"irish_acts_held_out": lambda: irish_acts(600, held_out_acts=True)}
"""Acts of which no section was read in tuning."""
WORDS = 150
"""Words a passage at most: what the encoder reads whole."""


def workspace(found: RetrievalSet, work: Path) -> tuple[Workspace, Source]:
    """A workspace for the set, and where its judgements are."""
    folder, root = work / "sets" / found.name, work / "workspaces" / found.name
    if not folder.exists():
        write_beir(found, folder)
    if not (root / CONFIG).exists():
        path = create_workspace(root, SECTIONS)
        path.write_text(with_value(path.read_text(), "chunks", "max_words", WORDS))
    return open_workspace(root), Source(beir=folder)


def measure(name: str, work: Path) -> dict[str, Any]:
    """Tune on one set, judge on its held-out documents, and on other sets."""
    place, source = workspace(TUNED[name](), work)
    with open_judged_index(source, place, say, by_document=True) as found:
        tuned, encoder = tune_workspace_encoder(found, place, "tuned", TuningOptions(), say, Progress)
        part = {
            "documents": found.index.store.counts()["documents"],
            "chunks": found.index.store.counts()["chunks"],
            "queries": dict(Counter(query.split for query in found.judged.queries)),
            "better": tuned.better,
            "verdict": tuned.verdict,
            "trained": asdict(tuned.trained),
            "gains": [_row(gain) for gain in tuned.gains],
        }
    others = ELSEWHERE if name in ("irish_acts", "dc_code", "legal_plain_summ") else {}
    others = {**others, **(ALIKE if name == "irish_acts" else {})}
    part["elsewhere"] = {other: changed(make(), work, encoder) for other, make in others.items()}
    return part


def changed(other: RetrievalSet, work: Path, encoder: Encoder) -> list[dict[str, Any]]:
    """What the tuned encoder changes on another set, all of its queries."""
    place, source = workspace(other, work)
    with open_judged_index(source, place, say) as found:
        collection = judged_collection(found, {"all": found.judged.queries})
        return [_row(gain) for gain in compare_encoders(collection, found.judged.queries, encoder)]


def _row(gain: Gain) -> dict[str, Any]:
    return {**asdict(gain), "relative": gain.relative}


def main() -> None:
    """Measure sets, or collect what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=sorted(TUNED), action="append", help="default: all")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--collect", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    parts = arguments.work / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    if not arguments.collect:
        for name in arguments.set or TUNED:
            part = {**measure(name, arguments.work), "environment": environment()}
            (parts / f"{name}.json").write_text(json.dumps(part, indent=1) + "\n")
            print(name, part["verdict"], flush=True)
        return
    done = {name: json.loads((parts / f"{name}.json").read_text()) for name in TUNED if (parts / f"{name}.json").exists()}
    result = {"words": WORDS, "options": asdict(TuningOptions()), "sets": done}
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({name: part["verdict"] for name, part in done.items()}, indent=1))


if __name__ == "__main__":
    main()
