"""The models that can be used here, with what each needs. For the command `models`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpora.errors import ModelError
from corpora.progress import Say
from raft.model_selection.memory_estimate import memory_need, read_shape
from retrieval.model_folders import PACKAGED, cached_hub_models, resolve_model


def list_models(extra: Sequence[str], tokens: int, say: Say) -> list[dict[str, Any]]:
    """A row a model: the packaged ones, the hub models already on this machine, and `extra`.

    Memory is in GB (1e9 bytes).

    A packaged model whose package is missing is left out with a line to `say`.
    """
    rows = []
    for name in dict.fromkeys([*PACKAGED, *cached_hub_models(), *extra]):
        try:
            model = resolve_model(name, say)
            rows.append(_row(name, model.path, tokens))
        except ModelError as error:
            if name in extra:
                raise
            say(f"{name}: {error}")
    return rows


def _row(name: str, folder: Path, tokens: int) -> dict[str, Any]:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    packaged = PACKAGED.get(name)
    decoder = any("CausalLM" in architecture for architecture in config.get("architectures") or [])
    shape = read_shape(folder)
    return {
        "name": name,
        "task": "answering" if decoder else "encoding",
        "parameters": shape.parameters,
        "context": packaged.context if packaged else shape.context,
        "licence": packaged.licence if packaged else _licence(folder),
        "memory_gb": asdict(memory_need(shape, tokens)) if decoder else None,
        "folder": str(folder),
    }


def _licence(folder: Path) -> str:
    card = folder / "README.md"
    match = re.search(r"^license:\s*(\S+)", card.read_text(encoding="utf-8"), re.M) if card.exists() else None
    return match[1] if match else "unknown"
