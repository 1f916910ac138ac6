"""Is the memory that `raftsmith models` computes the memory that a process really takes?

    python tests/benchmarks/model_memory.py --json tests/benchmarks/results/model_memory.json

Each way of using the packaged model runs in a process of its own, on one row of the given length; its peak resident memory is
compared with the estimate.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from environment import environment

WAYS = ("inference", "lora", "qlora", "full")


def use(way: str, tokens: int) -> None:
    """Use the model once in this process and print the peak resident memory in GB."""
    import torch

    from raft.training.base_model import load_for_training
    from raft.training.options import TrainOptions
    from raft.training.resolved_options import ResolvedOptions
    from retrieval.model_folders import BASE_MODEL, resolve_model

    base = resolve_model(BASE_MODEL)
    ids = torch.randint(100, 40_000, (1, tokens))
    if way == "inference":
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
        with torch.inference_mode():
            model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=4, do_sample=False)
    else:
        from peft import get_peft_model

        resolved = ResolvedOptions(1e-4, "float32", "eager", False, {})
        model, config = load_for_training(base, TrainOptions(adapter="none" if way == "full" else way), resolved, gpu=False)
        if config is not None:
            model = get_peft_model(model, config)
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
        mask = torch.zeros(1, 1, tokens, tokens).masked_fill(
            torch.ones(tokens, tokens).triu(1).bool(), torch.finfo(torch.float32).min
        )
        causal = model.get_base_model() if config is not None else model
        for _ in range(2):
            hidden = causal.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state[:, -tokens // 4 :]
            logits = causal.get_output_embeddings()(hidden.flatten(0, 1))
            torch.nn.functional.cross_entropy(logits, ids[0, -tokens // 4 :]).backward()
            optimizer.step()
            optimizer.zero_grad()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9)


def main() -> None:
    """Measure every way and write the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=768)
    parser.add_argument("--use", choices=WAYS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.use:
        use(arguments.use, arguments.tokens)
        return
    from raft.model_selection.memory_estimate import memory_need, read_shape
    from retrieval.model_folders import BASE_MODEL, resolve_model

    rows = []
    for tokens in (256, arguments.tokens):
        estimate = asdict(memory_need(read_shape(resolve_model(BASE_MODEL).path), tokens))
        for way in WAYS:
            command = [sys.executable, __file__, "--use", way, "--tokens", str(tokens)]
            measured = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])
            row = {"way": way, "tokens": tokens, "estimated_gb": estimate[way], "measured_gb": round(measured, 2)}
            row["ratio"] = round(row["estimated_gb"] / row["measured_gb"], 2)
            rows.append(row)
            print(row, flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({"environment": environment(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
