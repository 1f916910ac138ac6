"""Tiny models with random weights, of architectures that differ in attention, head and feed-forward."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    CohereConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GraniteConfig,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    MixtralConfig,
    PreTrainedConfig,
    Qwen3Config,
    Qwen3MoeConfig,
)

VOCABULARY = 200
WINDOW = 24
_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
_GPT2 = {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 512, "vocab_size": VOCABULARY, "initializer_range": 0.3}
_EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
CONFIGS: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(**_SIZES),
    "qwen3": Qwen3Config(**_SIZES),
    "qwen3-window": Qwen3Config(**_SIZES, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=1),
    "mistral-window": MistralConfig(**_SIZES, sliding_window=WINDOW),
    "gemma2": Gemma2Config(
        **_SIZES, sliding_window=WINDOW, query_pre_attn_scalar=8, attn_logit_softcapping=5.0, final_logit_softcapping=3.0
    ),
    "gemma3": Gemma3TextConfig(**_SIZES, sliding_window=WINDOW, query_pre_attn_scalar=8, sliding_window_pattern=3),
    "granite": GraniteConfig(**_SIZES, logits_scaling=4.0, residual_multiplier=0.5, attention_multiplier=0.2),
    "cohere": CohereConfig(**_SIZES, logit_scale=0.25),
    "gpt2": GPT2Config(**_GPT2, bos_token_id=1, eos_token_id=2, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0),
    "mixtral": MixtralConfig(**_SIZES, **_EXPERTS, router_aux_loss_coef=0.1, output_router_logits=True),
    "qwen3-moe": Qwen3MoeConfig(**_SIZES, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16),
    "qwen3-moe-dense": Qwen3MoeConfig(
        **_SIZES, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16, mlp_only_layers=[2]
    ),
    "mamba": MambaConfig(vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, state_size=4, pad_token_id=0),
}


def tiny_model(name: str, attention: str = "eager") -> Any:
    """The model of a name, the same weights each time, in evaluation mode."""
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(CONFIGS[name], attn_implementation=attention).eval()
