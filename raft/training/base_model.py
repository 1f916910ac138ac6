"""The base model loaded for training, and where its adapter goes."""

from __future__ import annotations

from typing import Any

from raft.training.options import TrainOptions
from retrieval.model_folders import ModelFolder


def load_for_training(base: ModelFolder, options: TrainOptions, gpu: bool) -> tuple[Any, Any]:
    """The model, in 4 bits for QLoRA, and the configuration of its adapter; None where all weights are trained."""
    import torch
    from peft import LoraConfig, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    dtype = torch.bfloat16 if gpu else torch.float32
    quantization = None
    if options.adapter == "qlora":
        quantization = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype, bnb_4bit_use_double_quant=True
        )
    # Additive masks with branches need eager or SDPA attention; on a CPU eager is the faster at these lengths.
    model = AutoModelForCausalLM.from_pretrained(
        base.path,
        dtype=dtype,
        quantization_config=quantization,
        attn_implementation="sdpa" if gpu else "eager",
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        device_map={"": 0} if gpu else None,
    )
    model.config.use_cache = False
    if options.adapter == "none":
        return model, None
    if quantization is not None:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
        for module in model.modules():
            # On processors with bfloat16 bitsandbytes (0.50) would repack the weights at the first validation, for a
            # kernel that has to be fetched, which fails for narrow layers and is not undone when training goes on.
            if getattr(module, "support_avx512bf16_for_cpu", False):
                module.support_avx512bf16_for_cpu = False
    modules, layers = _targets(model, options.layers_fraction)
    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        target_modules=modules,
        layers_to_transform=layers,
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
    )
    return model, config


def _targets(model: Any, fraction: float) -> tuple[list[str], list[int]]:
    """Names of the linear modules inside the decoder layers, and the numbers of the upper `fraction` of the layers."""
    import torch

    inside = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and ".layers." in name]
    count = int(model.config.get_text_config().num_hidden_layers)
    first = count - max(1, round(count * fraction))
    return sorted({name.rsplit(".", 1)[1] for name in inside}), list(range(first, count))
