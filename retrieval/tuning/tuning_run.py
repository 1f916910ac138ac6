"""The folder of a tuned encoder or reranker: what was asked for, the losses as they come, the model, what it gained, and its card.

`config.json` comes first, then `documents.json`, whose passages are learnt; `trained.json` says that the model is whole, `encoder.json` or
`reranker.json` that it was judged. Knows no torch.
"""

from __future__ import annotations

import csv
import importlib.metadata
import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from corpora.durable_files import sha256_file, write_atomic, write_json
from corpora.errors import TrainingError
from retrieval.evaluation.bootstrap import Interval
from retrieval.evaluation.significance import Comparison
from retrieval.model_folders import Say
from retrieval.tuning.encoder_comparison import Gain
from retrieval.tuning.trainer import Step

VERSIONED = ("torch", "transformers", "sentence-transformers", "accelerate")
Kind = Literal["encoder", "reranker"]
LEARNT = "documents.json"
_PIPELINES: dict[Kind, str] = {"encoder": "sentence-similarity", "reranker": "text-ranking"}


@dataclass(frozen=True)
class Trained:
    """How a training ended. `validation`: mean nDCG@10 after each epoch, that of before first; `epoch` is the one that was kept.

    `weight` is that of a reranker against search, which validation chose; None for an encoder.
    """

    pairs: int
    epoch: int
    validation: tuple[float, ...]
    seconds: float
    weight: float | None = None


@dataclass(frozen=True)
class Latency:
    """The median milliseconds of a query, without a reranker and with it."""

    search: float
    reranked: float

    def __str__(self) -> str:
        """One phrase."""
        return f"{self.reranked:.0f} ms a query instead of {self.search:.0f}"


@dataclass(frozen=True)
class TuningRun:
    """The run `name` in `folder`."""

    name: str
    folder: Path
    base: str
    kind: Kind = "encoder"

    @property
    def model(self) -> Path:
        """The tuned model. Its folder's name becomes part of the model's, so it says what it was and by which run."""
        return self.folder / f"{Path(self.base).name}-{self.name}"

    def prepare(self, config: Mapping[str, Any]) -> None:
        """Make the folder, or check that the one there is of the same run. Raises TrainingError, naming what differs."""
        path = self.folder / "config.json"
        wanted = json.loads(json.dumps(config))
        if not path.exists():
            if self.folder.exists() and any(self.folder.iterdir()):
                raise TrainingError(f"{self.folder} holds something else; choose another --run name")
            write_json(path, wanted)
            return
        found = json.loads(path.read_text(encoding="utf-8"))
        if differ := sorted(key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)):
            raise TrainingError(
                f"run {self.name} was started with another {', '.join(differ)}; choose another --run name, or delete {self.folder}"
            )

    def trained(self) -> Trained | None:
        """How its training ended; None when it has not, or when the weights are not those that it ended with."""
        value = self._read("trained.json")
        if value is None or value.pop("weights_sha256") != self._weights():
            return None
        return Trained(**{**value, "validation": tuple(value["validation"])})

    def write_trained(self, trained: Trained) -> None:
        """Say that the model is whole."""
        write_json(self.folder / "trained.json", {**asdict(trained), "weights_sha256": self._weights()})

    def gains(self) -> list[Gain] | None:
        """What it gained, the way of searching that decides last; None when it was not judged yet."""
        value = self._read(f"{self.kind}.json")
        return [_gain(row) for row in value["gains"]] if value else None

    def latency(self) -> Latency | None:
        """What a reranker costs; None when it was not judged yet."""
        value = self._read(f"{self.kind}.json")
        return Latency(**value["latency"]) if value and value.get("latency") else None

    def write_gains(self, gains: list[Gain], adopted: bool, latency: Latency | None = None) -> None:
        """Keep the verdict."""
        value: dict[str, Any] = {"gains": [asdict(gain) for gain in gains], "better": adopted}
        write_json(self.folder / f"{self.kind}.json", value | ({"latency": asdict(latency)} if latency else {}))

    def begin(self, documents: Sequence[str]) -> None:
        """Take away what an earlier try left of a training, and say which documents are learnt, before they are."""
        write_json(self.folder / LEARNT, {"documents": list(documents)})
        shutil.rmtree(self.model, ignore_errors=True)
        (self.folder / "metrics.csv").unlink(missing_ok=True)

    def save(self, model: Any) -> None:
        """Keep a model of sentence-transformers, as safetensors, all of it or nothing."""
        building = self.model.with_name(f".{self.model.name}")
        shutil.rmtree(building, ignore_errors=True)
        model.save_pretrained(str(building), create_model_card=False)
        shutil.rmtree(self.model, ignore_errors=True)
        building.rename(self.model)

    def report(self, step: Step, rows: int, say: Say) -> None:
        """Keep how far training is, and say it; `rows` is how many pairs a step has."""
        self._append(step)
        left = step.seconds / step.step * (step.steps - step.step)
        rate = step.step * rows / step.seconds
        say(f"step {step.step}/{step.steps}  loss {step.loss:.3f}  {rate:.1f} pairs/s  about {left / 60:.1f} min left")

    def _append(self, step: Step) -> None:
        """A row of `metrics.csv`; the header comes with the first."""
        path = self.folder / "metrics.csv"
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            if new:
                writer.writerow(step._fields)
            writer.writerow([step.step, step.steps, *(f"{value:.6g}" for value in step[2:])])

    def write_card(self, config: Mapping[str, Any], trained: Trained, gains: list[Gain], verdict: str) -> None:
        """The model card, in the model's folder."""
        write_atomic(self.model / "README.md", _card(self, config, trained, gains, verdict).encode())

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            value: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return value

    def _weights(self) -> dict[str, str]:
        return {path.name: sha256_file(path) for path in sorted(self.model.glob("*.safetensors"))}


def tuned_in(workspace: Path, *models: str) -> bool:
    """Whether one of `models`, as raftsmith.toml names them, was tuned to the collection of `workspace`."""
    return any(name and (workspace / name).parent.joinpath("trained.json").exists() for name in models)


def versions() -> dict[str, str]:
    """What a training depends on besides its configuration."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in VERSIONED}}


def _gain(row: Mapping[str, Any]) -> Gain:
    compared = row["comparison"]
    comparison = Comparison(**{**compared, "difference": Interval(**compared["difference"])})
    return Gain(row["mode"], Interval(**row["base"]), Interval(**row["tuned"]), comparison)


def _card(run: TuningRun, config: Mapping[str, Any], trained: Trained, gains: list[Gain], verdict: str) -> str:
    options = "\n".join(f"- {key}: {value}" for key, value in config["options"].items())
    splits = ", ".join(f"{split} {count}" for split, count in config["queries"].items())
    epochs = ", ".join(f"{value:.3f}" for value in trained.validation)
    weight = "" if trained.weight is None else f"; weight against search: {trained.weight:g}"
    return f"""---
base_model: {Path(config["base"]).name}
library_name: sentence-transformers
pipeline_tag: {_PIPELINES[run.kind]}
tags: [sentence-transformers, raftsmith]
---
# {run.model.name}

Tuned by raftsmith from `{Path(config["base"]).name}` (weights {config["base_digest"]}) to one collection. It knows the passages
that it was tuned on: whoever may use it should be allowed to read them all.

Data: {config["judged"]} (digest {config["judged_digest"]}), queries by split: {splits}. Splits are by document, near-duplicates
together: no document that is relevant to a test query is relevant to a training query.

Training: {trained.pairs} pairs with mined negatives, {trained.seconds:.0f} s. Validation nDCG@10 before and after each epoch:
{epochs}; kept: epoch {trained.epoch}{weight}.

## Held-out queries

{chr(10).join(f"- {gain}" for gain in gains)}

{verdict} Intervals are 95 % paired bootstrap, p of a paired randomisation test.

## Options

{options}

Versions: {", ".join(f"{key} {value}" for key, value in config["versions"].items())}.
"""
