"""How close encoding comes to the machine's own float32 matrix rate, beside sentence-transformers, in one process, interleaved.

    python tests/benchmarks/encoding.py --seconds 300 --json tests/benchmarks/results/encoding.json

Rates are floating-point operations of the real tokens (never of padding), from the model's sizes and each text's length, attention
included, over the time from texts to vectors, so tokenisation counts as time. Every round takes the next texts of each length class
through every way, with matrix products of the model's shapes and a square one before and after. "one core": PyTorch and the encoder
have one thread, and CPU time of the process is taken, so that other processes of the machine matter little. "all cores": wall time.
The share of a round is against the best product of any shape in the whole run, and against the model's own products.

OpenVINO is measured when it is installed (it is no dependency); its telemetry, which reports every import, is kept out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from environment import environment

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from retrieval.encoders.loading import quiet_libraries  # noqa: E402

quiet_libraries()

import torch  # noqa: E402

from retrieval.encoders.packed_encoder import BATCH_TOKENS, PackedEncoder  # noqa: E402
from retrieval.encoders.sentence_transformer import SentenceTransformerEncoder, load_sentence_transformer, provenance_of  # noqa: E402
from retrieval.model_folders import ENCODER_MODEL, resolve_model  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
TEXTS = {"abstracts": 18, "100 words": 32, "25 words": 120}
"""Of a round: some 4,000 tokens each, short enough that some rounds are not disturbed."""
Encode = Callable[[Sequence[str]], np.ndarray]


def length_classes() -> dict[str, list[str]]:
    """1,000 abstracts as they are (mostly cut at 256 tokens), 1,000 answers of up to 100 words, and 1,000 sentences' worth."""
    abstracts = json.loads(gzip.decompress((DATA / "pubmedqa_train" / "pqal_train.json.gz").read_bytes()))
    answers = gzip.decompress((DATA / "medquad" / "medquad_answered.jsonl.gz").read_bytes()).splitlines()
    words = [json.loads(line)["answer"].split() for line in answers[::16]]
    return {
        "abstracts": [" ".join(row["CONTEXTS"]) for row in abstracts.values()],
        "100 words": [" ".join(row[:100]) for row in words][:1000],
        "25 words": [" ".join(row[:25]) for row in words][:1000],
    }


def means(hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The mean vector of each text's tokens, without padding."""
    weights = mask.astype(np.float32)
    return np.asarray(np.einsum("btd,bt->bd", hidden, weights) / weights.sum(axis=1, keepdims=True))


class Sorted:
    """The library's network with batches of so many tokens, sorted by length, padded: what needs no code of one's own."""

    def __init__(self, model: Any) -> None:
        self._network, self._tokenizer, self._limit = model[0].auto_model, model.tokenizer, model.max_seq_length

    def batches(self, texts: Sequence[str]) -> list[tuple[list[int], np.ndarray, np.ndarray]]:
        """Places, ids and mask of each batch."""
        ids = self._tokenizer(list(texts), truncation=True, max_length=self._limit)["input_ids"]
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        batches: list[list[int]] = [[]]
        for i in order:
            if batches[-1] and (len(batches[-1]) + 1) * len(ids[batches[-1][0]]) > BATCH_TOKENS:
                batches.append([])
            batches[-1].append(i)
        made = []
        for rows in batches:
            padded = np.zeros((len(rows), len(ids[rows[0]])), dtype=np.int64)
            mask = np.zeros_like(padded)
            for row, i in enumerate(rows):
                padded[row, : len(ids[i])] = ids[i]
                mask[row, : len(ids[i])] = 1
            made.append((rows, padded, mask))
        return made

    def forward(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            network = self._network(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
            return np.asarray(network.last_hidden_state)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Mean pooling, scaled."""
        vectors = np.zeros((len(texts), self._network.config.hidden_size), dtype=np.float32)
        for rows, ids, mask in self.batches(texts):
            hidden = self.forward(ids, mask)
            vectors[rows] = means(hidden, mask)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class OpenVino(Sorted):
    """The same batches through OpenVINO's CPU plugin."""

    def __init__(self, model: Any, threads: int) -> None:
        super().__init__(model)
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
        import openvino

        network = self._network

        class Hidden(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.network = network

            def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
                return self.network(input_ids=ids, attention_mask=mask).last_hidden_state  # type: ignore[no-any-return]

        example = (torch.ones(2, 8, dtype=torch.long), torch.ones(2, 8, dtype=torch.long))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted = openvino.convert_model(Hidden(), example_input=example, input=[([-1, -1], np.int64)] * 2)
        options = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads}
        self._compiled = openvino.Core().compile_model(converted, "CPU", options)
        self._queue = openvino.AsyncInferQueue(self._compiled, threads)
        self.version = openvino.__version__

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """As many batches at a time as there are threads."""
        vectors = np.zeros((len(texts), self._network.config.hidden_size), dtype=np.float32)

        def take(request: Any, given: tuple[list[int], np.ndarray]) -> None:
            rows, mask = given
            hidden = request.get_output_tensor(0).data
            vectors[rows] = means(hidden, mask)

        self._queue.set_callback(take)
        for rows, ids, mask in self.batches(texts):
            self._queue.start_async([ids, mask], userdata=(rows, mask))
        self._queue.wait_all()
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def operations(config: Any, length: int) -> float:
    """Floating-point operations of the matrix products for a text of `length` tokens: projections, feed-forward, attention."""
    width, wide = config.hidden_size, config.intermediate_size
    return float(config.num_hidden_layers * (2 * length * (4 * width * width + 2 * width * wide) + 4 * length * length * width))


def products(config: Any) -> dict[str, Callable[[], float]]:
    """Shape → a product of it, giving its operations: the model's own at a batch's tokens, and a square one."""
    width, wide = config.hidden_size, config.intermediate_size
    shapes = {
        "query, key, value": (BATCH_TOKENS, width, 3 * width),
        "attention output": (BATCH_TOKENS, width, width),
        "feed-forward up": (BATCH_TOKENS, width, wide),
        "feed-forward down": (BATCH_TOKENS, wide, width),
        "square": (2048, 2048, 2048),
    }

    def product(rows: int, inner: int, columns: int) -> Callable[[], float]:
        left, right = torch.randn(rows, inner), torch.randn(columns, inner)

        def run() -> float:
            torch.mm(left, right.t())
            return 2.0 * rows * inner * columns

        return run

    return {name: product(*shape) for name, shape in shapes.items()}


def rounds(texts: dict[str, list[str]], ways: dict[str, Encode], clock: Callable[[], float], seconds: float, model: Any) -> Any:
    """GFLOP/s of each product, and of each way by length class, of every round; and the worst cosine with the library's vectors."""
    config, tokenizer = model[0].auto_model.config, model.tokenizer
    rates: dict[str, dict[str, list[float]]] = {"products": {}}
    worst = dict.fromkeys(ways, 1.0)
    matrix = products(config)
    end, number = time.monotonic() + seconds, 0
    for encode in ways.values():
        encode(texts["25 words"][:8])

    def multiply() -> None:
        for name, run in matrix.items():
            for _ in range(2):
                start = clock()
                done = run()
                rates["products"].setdefault(name, []).append(done / (clock() - start) / 1e9)

    while number == 0 or time.monotonic() < end:
        for kind, all_texts in texts.items():
            chosen = [all_texts[(number * TEXTS[kind] + i) % len(all_texts)] for i in range(TEXTS[kind])]
            ids = tokenizer(chosen, truncation=True, max_length=model.max_seq_length)["input_ids"]
            work = sum(operations(config, len(row)) for row in ids)
            expected = None
            for name, encode in ways.items():
                multiply()
                start = clock()
                vectors = encode(chosen)
                rates.setdefault(kind, {}).setdefault(name, []).append(work / (clock() - start) / 1e9)
                expected = vectors if expected is None else expected
                worst[name] = min(worst[name], float((vectors * expected).sum(axis=1).min()))
        number += 1
    return rates, worst, number


def summary(rates: dict[str, dict[str, list[float]]], worst: dict[str, float], number: int, config: Any) -> dict[str, Any]:
    """Best and median rates, and shares of the best product and of the model's own products at their best."""
    best = {name: max(values) for name, values in rates["products"].items()}
    width, wide = config.hidden_size, config.intermediate_size
    parts = {
        "query, key, value": 3 * width * width,
        "attention output": width * width,
        "feed-forward up": width * wide,
        "feed-forward down": width * wide,
    }
    own = sum(parts.values()) / sum(size / best[name] for name, size in parts.items())
    top = max(best.values())
    result: dict[str, Any] = {
        "rounds": number,
        "products, best GFLOP/s": {name: round(value, 1) for name, value in best.items()},
        "products, median GFLOP/s": {n: round(statistics.median(v), 1) for n, v in rates["products"].items()},
        "model's own products, best GFLOP/s": round(own, 1),
        "worst cosine with the library": {name: round(value, 7) for name, value in worst.items()},
        "texts": {},
    }
    for kind, ways in rates.items():
        if kind == "products":
            continue
        library = ways["library"]
        result["texts"][kind] = {
            name: {
                "best GFLOP/s": round(max(values), 1),
                "median GFLOP/s": round(statistics.median(values), 1),
                "share of the best product": round(max(values) / top, 3),
                "share of the model's own products": round(max(values) / own, 3),
                "times the library, median of rounds": round(
                    statistics.median(mine / theirs for mine, theirs in zip(values, library, strict=True)), 2
                ),
                "times the library, best": round(max(values) / max(library), 2),
            }
            for name, values in ways.items()
        }
    return result


def ways_of(model: Any, folder: Path, threads: int) -> tuple[dict[str, Encode], str]:
    provenance = provenance_of(model, folder, ENCODER_MODEL, "0")
    ways: dict[str, Encode] = {
        "library": SentenceTransformerEncoder(model, provenance).encode,
        "library's network, batches by tokens": Sorted(model).encode,
        "packed": PackedEncoder(model, provenance).encode,
    }
    try:
        peer = OpenVino(model, threads)
    except ImportError:
        return ways, "not installed"
    ways["OpenVINO"] = peer.encode
    return ways, peer.version


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="of each of the two measurements")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    resolved = resolve_model(ENCODER_MODEL)
    model = load_sentence_transformer(resolved.path)
    config, texts, cores = model[0].auto_model.config, length_classes(), torch.get_num_threads()
    result: dict[str, Any] = {"environment": environment(), "load average before": os.getloadavg()}
    flags = Path("/proc/cpuinfo").read_text().split()
    result["VNNI"] = sorted({flag for flag in flags if "vnni" in flag})
    for title, threads, clock in (
        ("one core, CPU time", 1, time.process_time),
        ("all cores, wall time", cores, time.perf_counter),
    ):
        torch.set_num_threads(threads)
        ways, version = ways_of(model, resolved.path, threads)
        result["OpenVINO"] = version
        result[title] = summary(*rounds(texts, ways, clock, arguments.seconds, model), config)
    result["load average after"] = os.getloadavg()
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
