"""Loading an encoder by the name of its model."""

from __future__ import annotations

import logging
import os
import warnings

from corpora.progress import Say, quiet
from corpora.workspace.purge_mark import is_purged
from retrieval.encoders.encoder import Encoder
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.packed_encoder import open_encoder
from retrieval.model_folders import ModelFolder, resolve_model


def quiet_libraries() -> None:
    """Keep the libraries' own progress bars and notices out of stderr; errors still raise. Before they are imported."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.* is deprecated", category=FutureWarning)
    # On processors with bfloat16 it looks for a kernel of the hub, warns that there is none, and goes on with its own.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    logging.getLogger("sentence_transformers.base.model").setLevel(
        logging.ERROR
    )  # that an encoder becomes a reranker is wanted
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()


def load_encoder(name: str, say: Say = quiet) -> Encoder:
    """The encoder called `name`: "hashing-D" needs no model, anything else is a sentence-transformers model."""
    if name.startswith("hashing-") and name.removeprefix("hashing-").isdecimal():
        return HashingEncoder(int(name.removeprefix("hashing-")))
    quiet_libraries()
    return open_encoder(resolved_model(name, say))


def resolved_model(name: str, say: Say) -> ModelFolder:
    """The folder of the model `name`; `say` gets a warning when it was tuned on documents that have been purged since."""
    model = resolve_model(name, say)
    if is_purged(model.path.parent):
        say(f"warning: {name} was tuned on documents that have been purged since; it may know them: tune again and delete it")
    return model
