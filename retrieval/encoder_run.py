"""The folder of a tuned encoder: what was asked for, the losses as they come, the model, what it gained, and its card.

`config.json` comes first; `trained.json` says that the model is whole, `encoder.json` that it was judged. Knows no torch.
"""

from __future__ import annotations

import csv
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpora.errors import TrainingError
from corpora.files import sha256_file, write_atomic, write_json
from retrieval.bootstrap import Interval
from retrieval.contrastive import Step
from retrieval.encoder_comparison import Gain
from retrieval.significance import Comparison

VERSIONED = ("torch", "transformers", "sentence-transformers", "accelerate")


@dataclass(frozen=True)
class Trained:
    """How a training ended. `validation`: mean nDCG@10 after each epoch, the base model's first; `epoch` is the one that was kept."""

    pairs: int
    epoch: int
    validation: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class EncoderRun:
    """The run `name` in `folder`."""

    name: str
    folder: Path
    base: str

    @property
    def model(self) -> Path:
        """The tuned model. Its folder's name becomes part of the encoder's, so it says what it was and by which run."""
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
        value = self._read("encoder.json")
        return [_gain(row) for row in value["gains"]] if value else None

    def write_gains(self, gains: list[Gain], adopted: bool) -> None:
        """Keep the verdict."""
        write_json(self.folder / "encoder.json", {"gains": [asdict(gain) for gain in gains], "better": adopted})

    def append(self, step: Step) -> None:
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


def _card(run: EncoderRun, config: Mapping[str, Any], trained: Trained, gains: list[Gain], verdict: str) -> str:
    options = "\n".join(f"- {key}: {value}" for key, value in config["options"].items())
    splits = ", ".join(f"{split} {count}" for split, count in config["queries"].items())
    epochs = ", ".join(f"{value:.3f}" for value in trained.validation)
    return f"""---
base_model: {Path(config["base"]).name}
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-transformers, raftsmith]
---
# {run.model.name}

Tuned by raftsmith from `{Path(config["base"]).name}` (weights {config["base_digest"]}) to one collection. It knows the passages
that it was tuned on: whoever may use it should be allowed to read them all.

Data: {config["judged"]} (digest {config["judged_digest"]}), queries by split: {splits}. Splits are by document, near-duplicates
together: no document that is relevant to a test query is relevant to a training query.

Training: {trained.pairs} pairs with mined negatives, {trained.seconds:.0f} s. Validation nDCG@10 before and after each epoch:
{epochs}; kept: epoch {trained.epoch}.

## Held-out queries

{chr(10).join(f"- {gain}" for gain in gains)}

{verdict} Intervals are 95 % paired bootstrap, p of a paired randomisation test.

## Options

{options}

Versions: {", ".join(f"{key} {value}" for key, value in config["versions"].items())}.
"""
