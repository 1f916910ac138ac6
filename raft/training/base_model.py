"""The base model loaded for training, with the configuration of its adapter."""

from __future__ import annotations

import os
from typing import Any

from raft.training.adapters import adapter_targets, lora_config
from raft.training.options import TrainOptions
from raft.training.resolved_options import ResolvedOptions
from retrieval.model_folders import ModelFolder


def load_for_training(base: ModelFolder, options: TrainOptions, resolved: ResolvedOptions, gpu: bool) -> tuple[Any, Any]:
    """The model, in 4 bits for QLoRA, and the configuration of its adapter; None where all weights are trained.

    Weights are float32 on a CPU and where all are trained, and on a GPU in the precision of the products.
    """
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    products = torch.bfloat16 if resolved.precision == "bfloat16" else torch.float32
    quantization = None
    if options.adapter == "qlora":
        quantization = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=products, bnb_4bit_use_double_quant=True
        )
    model = AutoModelForCausalLM.from_pretrained(
        base.path,
        dtype=products if gpu and options.adapter != "none" else torch.float32,
        quantization_config=quantization,
        attn_implementation=resolved.attention,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        device_map={"": int(os.environ.get("LOCAL_RANK", "0"))} if gpu else None,
    )
    model.config.use_cache = False
    if options.adapter == "none":
        return model, None
    for module in model.modules():
        # On processors with bfloat16 bitsandbytes (0.50) would repack the weights at the first validation, for a
        # kernel that has to be fetched, which fails for narrow layers and is not undone when training goes on.
        if getattr(module, "support_avx512bf16_for_cpu", False):
            module.support_avx512bf16_for_cpu = False
    model.requires_grad_(False)
    return model, lora_config(adapter_targets(model, options), options)


def halve_frozen_products(model: Any) -> None:
    """Keep the weights of frozen linear modules in bfloat16, as autocast would round them at every product.

    The output layer, often the embedding's own weights, and norms stay as they are. Needs autocast from then on.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    for module in model.modules():
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not head and module.weight.dtype == torch.float32:
            module.to(torch.bfloat16)
