"""How fast training on a CPU is, by precision and attention kernel, beside what it was: one process, interleaved by row.

    python tests/benchmarks/training_speed.py --dataset WORKSPACE/datasets/NAME --json tests/benchmarks/results/training_speed.json

Rows of 24 training examples of a dataset go forward and backward through the packaged model with an adapter. "before" is float32 with
eager attention and the head called beside the model's own forward. All ways have the same weights, an adapter that is not zero, and
eager masks or SDPA's. Peak memory is of a process for each way. With `--cpu-time` PyTorch has one thread and CPU time of the process is
taken, so that other processes of the machine matter little.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from environment import environment

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from retrieval.encoders.loading import quiet_libraries  # noqa: E402

quiet_libraries()

import torch  # noqa: E402
from peft import get_peft_model  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

from raft.examples.dataset import read_dataset  # noqa: E402
from raft.prompts.tokenization import PromptEncoder  # noqa: E402
from raft.training.attention_masks import form_for_shared_rows  # noqa: E402
from raft.training.base_model import halve_frozen_products, load_for_training  # noqa: E402
from raft.training.options import TrainOptions  # noqa: E402
from raft.training.packing import IGNORED, PackedCollator, PackedSequence, as_row, pack  # noqa: E402
from raft.training.precision import Computation, LayerShape, faster  # noqa: E402
from raft.training.resolved_options import ResolvedOptions  # noqa: E402
from retrieval.model_folders import BASE_MODEL, resolve_model  # noqa: E402

WAYS = {
    "before": Computation("float32", "eager"),
    "float32 eager": Computation("float32", "eager"),
    "float32 sdpa": Computation("float32", "sdpa"),
    "bfloat16 eager": Computation("bfloat16", "eager"),
    "bfloat16 sdpa": Computation("bfloat16", "sdpa"),
}
EXAMPLES = 24


class Way:
    """The model with an adapter, computed in one way."""

    def __init__(self, name: str, rows: list[PackedSequence], clock: Callable[[], float] = time.perf_counter) -> None:
        computation, options = WAYS[name], TrainOptions(adapter="lora")
        self.clock = clock
        self.before, self.half = name == "before", computation.precision == "bfloat16"
        resolved = ResolvedOptions(1e-3, computation.precision, computation.attention, False, {})
        model, config = load_for_training(resolve_model(BASE_MODEL), options, resolved, gpu=False)
        self.collate = PackedCollator(0, form_for_shared_rows(model, rows))
        if self.half:
            halve_frozen_products(model)
        torch.manual_seed(0)
        self.model = get_peft_model(model, config)
        for key, weight in self.model.named_parameters():
            if "lora_B" in key:
                torch.nn.init.normal_(weight, std=0.01)

    def loss(self, row: PackedSequence) -> torch.Tensor:
        """The mean over the labels of a row, as the trainer computes it."""
        batch = self.collate([as_row(row)])
        labels = batch.pop("labels")[0, 1:]
        columns = (labels != IGNORED).nonzero().squeeze(1)
        if self.before:
            causal = self.model.get_base_model()
            hidden = causal.model(**batch, use_cache=False).last_hidden_state[0, :-1]
            logits = causal.get_output_embeddings()(hidden[columns]).float()
        else:
            with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
                logits = self.model(**batch, use_cache=False, logits_to_keep=columns).logits[0].float()
        return torch.nn.functional.cross_entropy(logits, labels[columns])

    def step(self, row: PackedSequence) -> tuple[float, float]:
        """Seconds and loss of a row forward and backward; gradients add up."""
        started = self.clock()
        loss = self.loss(row)
        loss.backward()
        return self.clock() - started, float(loss.detach())

    def gradient(self) -> torch.Tensor:
        """All gradients in one vector; float64, as in float32 the cosine of so long a vector with itself is not 1."""
        return torch.cat([w.grad.flatten().double() for w in self.model.parameters() if w.grad is not None])


def rows_of(dataset: Path) -> list[PackedSequence]:
    """The rows of the first training examples."""
    examples = [example for example in read_dataset(dataset).examples if example.split == "train"][:EXAMPLES]
    encoder = PromptEncoder(AutoTokenizer.from_pretrained(resolve_model(BASE_MODEL).path))
    return pack(examples, encoder, TrainOptions().max_tokens)


def peak_gb(name: str, dataset: Path) -> float:
    """Peak resident memory of a process that takes the two longest rows in one way."""
    command = [sys.executable, __file__, "--dataset", str(dataset), "--way", name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def compare(rows: list[PackedSequence], rounds: int, clock: Callable[[], float]) -> dict[str, Any]:
    """Speeds, losses and gradients of all ways, a row through each before the next row."""
    ways = {name: Way(name, rows, clock) for name in WAYS}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    losses: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way.step(rows[0])
        way.model.zero_grad()
    for number in range(rounds):
        for place, row in enumerate(rows):
            print(f"round {number + 1}, row {place + 1}", file=sys.stderr, flush=True)
            for name, way in ways.items():
                taken, loss = way.step(row)
                seconds[name].append(taken / row.length)
                losses[name].append(loss)
    own = ways["float32 eager"].gradient()
    return {
        name: {
            "tokens a second, median": round(1 / statistics.median(seconds[name]), 1),
            "tokens a second, best": round(1 / min(seconds[name]), 1),
            "times before, median of rows": round(
                statistics.median(b / a for a, b in zip(seconds[name], seconds["before"], strict=True)), 2
            ),
            "largest difference of a row's loss": round(
                max(abs(a - b) for a, b in zip(losses[name], losses["float32 eager"], strict=True)), 5
            ),
            "difference of the mean loss": round(statistics.fmean(losses[name]) - statistics.fmean(losses["float32 eager"]), 6),
            "cosine of the gradient": round(float(torch.nn.functional.cosine_similarity(way.gradient(), own, dim=0)), 6),
        }
        for name, way in ways.items()
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True, help="folder of a dataset")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=EXAMPLES, help="of the examples' rows at most")
    parser.add_argument("--cpu-time", action="store_true", help="one thread, CPU time")
    parser.add_argument("--way", choices=WAYS, help="print this way's peak memory only")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = rows_of(arguments.dataset)
    if arguments.way:
        way = Way(arguments.way, rows)
        for row in sorted(rows, key=lambda r: r.length)[-2:]:
            way.step(row)
        # Not ru_maxrss: that outlives exec, so a child would report the peak of this process with all its models.
        status = Path("/proc/self/status").read_text()
        print(int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e9)
        return
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    if arguments.cpu_time:
        torch.set_num_threads(1)
    flags = set(Path("/proc/cpuinfo").read_text().split())
    lengths = sorted(row.length for row in rows[: arguments.rows])
    result: dict[str, Any] = {
        "environment": environment(),
        "instructions": sorted(flags & {"avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile"}),
        "load average before": os.getloadavg(),
        "time": "one thread, CPU time" if arguments.cpu_time else f"{torch.get_num_threads()} threads, wall time",
        "examples": EXAMPLES,
        "rows": min(len(rows), arguments.rows),
        "tokens a row": lengths,
        "ways": compare(rows[: arguments.rows], arguments.rounds, clock),
    }
    shape = LayerShape.of(Way("float32 sdpa", rows).model.config)
    choice, timed = faster(shape, lengths[len(lengths) // 2], [w for name, w in WAYS.items() if name != "before"])
    result["chosen by the timing of a layer"] = {"way": str(choice), "milliseconds": timed}
    for name, figures in result["ways"].items():
        figures["peak memory, GB"] = round(peak_gb(name, arguments.dataset), 2)
    result["load average after"] = os.getloadavg()
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
