"""The run of a tuned encoder or reranker: its model, how training ended, what it gained, and its card.

In the run's folder `trained.json` says that the model is whole, `encoder.json` or `reranker.json` that it was judged.
Knows no torch.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from corpora.durable_files import write_atomic, write_json
from corpora.progress import Say
from corpora.workspace.run_folder import TRAINED, RunFolder, weights_digests
from retrieval.evaluation.bootstrap import Interval
from retrieval.evaluation.significance import Comparison
from retrieval.tuning.encoder_comparison import Gain
from retrieval.tuning.trainer import Step

VERSIONED = ("torch", "transformers", "sentence-transformers", "accelerate")
Kind = Literal["encoder", "reranker"]
_PIPELINES: dict[Kind, str] = {"encoder": "sentence-similarity", "reranker": "text-ranking"}


@dataclass(frozen=True)
class Trained:
    """The outcome of a training: pairs, kept epoch, validation values, seconds.

    `validation`: mean nDCG@10 before training and after each epoch; `epoch` is the one that was kept, 0 for none.
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
        """The latency in words."""
        return f"{self.reranked:.0f} ms a query instead of {self.search:.0f}"


@dataclass(frozen=True)
class TuningRun(RunFolder):
    """The run folder of a tuning of the model `base`."""

    base: str
    kind: Kind = "encoder"

    @property
    def model(self) -> Path:
        """The folder of the tuned model, named after the base model and the run, as its name becomes part of the
        model's.
        """
        return self.folder / f"{Path(self.base).name}-{self.name}"

    def trained(self) -> Trained | None:
        """The outcome of the training; None when it has not ended, or when the weights are not those that it ended
        with.
        """
        value = self._read(TRAINED)
        if value is None or value.pop("weights_sha256") != weights_digests(self.model):
            return None
        return Trained(**{**value, "validation": tuple(value["validation"])})

    def write_trained(self, trained: Trained) -> None:
        """Write `trained.json`, which marks the model as complete."""
        write_json(self.folder / TRAINED, {**asdict(trained), "weights_sha256": weights_digests(self.model)})

    def gains(self) -> list[Gain] | None:
        """The gains on held-out queries, the deciding one last; None when the model was not judged yet."""
        value = self._read(f"{self.kind}.json")
        return [_gain(row) for row in value["gains"]] if value else None

    def latency(self) -> Latency | None:
        """The latency of search with the reranker; None when it was not judged yet."""
        value = self._read(f"{self.kind}.json")
        return Latency(**value["latency"]) if value and value.get("latency") else None

    def write_gains(self, gains: list[Gain], adopted: bool, latency: Latency | None = None) -> None:
        """Write the gains, which completes the run; empty where no epoch was better."""
        value: dict[str, Any] = {"gains": [asdict(gain) for gain in gains], "better": adopted}
        self.complete(self.kind, value | ({"latency": asdict(latency)} if latency else {}))

    def begin(self, documents: Sequence[str]) -> None:
        """Delete what an earlier training left, and record which documents are learnt, before they are."""
        self.write_documents(documents)
        self.reopen(self.kind)
        shutil.rmtree(self.model, ignore_errors=True)
        self.metrics_file.unlink(missing_ok=True)

    def save(self, model: Any) -> None:
        """Save a sentence-transformers model as safetensors, whole or not at all."""
        building = self.model.with_name(f".{self.model.name}")
        shutil.rmtree(building, ignore_errors=True)
        model.save_pretrained(str(building), create_model_card=False)
        shutil.rmtree(self.model, ignore_errors=True)
        building.rename(self.model)

    def report(self, step: Step, rows: int, say: Say) -> None:
        """Record and print the progress of training; `rows` is how many pairs a step has."""
        values = [step.step, step.steps, *(f"{value:.6g}" for value in step[2:])]
        self.append_metrics(dict(zip(step._fields, values, strict=True)))
        seconds_left = step.seconds / step.step * (step.steps - step.step)
        rate = step.step * rows / step.seconds
        say(f"step {step.step}/{step.steps}  loss {step.loss:.3f}  {rate:.1f} pairs/s  about {seconds_left / 60:.1f} min left")

    def write_card(self, config: Mapping[str, Any], trained: Trained, gains: list[Gain], verdict: str) -> None:
        """Write the model card into the model's folder."""
        write_atomic(self.model / "README.md", _card(self, config, trained, gains, verdict).encode())

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            value: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return value


def tuned_in(workspace: Path, *models: str) -> bool:
    """Whether one of `models`, as raftsmith.toml names them, was tuned to the collection of `workspace`."""
    return any(name and (workspace / name).parent.joinpath(TRAINED).exists() for name in models)


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that a training depends on."""
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
