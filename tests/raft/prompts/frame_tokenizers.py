"""Tokenizers of each kind that open models have, trained in a second, and chat templates of each shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

SAMPLES = Path(__file__).resolve().parents[3] / "corpora" / "samples" / "medical"
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CONTROL = ["<|im_start|>", "<|im_end|>", "[INST]", "[/INST]", "<start_of_turn>", "<end_of_turn>", "<|header|>", "<|eot|>"]
STEERING = ["<tool_call>", "<think>", "</think>"]
"""Added tokens that are not special, as Qwen has them: `split_special_tokens` does not split these."""


def train(kind: str) -> PreTrainedTokenizerFast:
    """A tokenizer of one of `KINDS` over a few samples."""
    tokenizer, trainer = KINDS[kind]()
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(SAMPLES.glob("*.txt"))[:12]]
    tokenizer.train_from_iterator([*texts, *("".join(map(chr, range(32, 127))), "##Reason: [1] ##begin_quote## \n\n")], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", extra_special_tokens=CONTROL
    )
    fast.add_tokens([AddedToken(text, special=False, normalized=tokenizer.normalizer is not None) for text in STEERING])
    return fast


def _special(**options: Any) -> dict[str, Any]:
    return {"vocab_size": 900, "special_tokens": ["<unk>", "<s>", "</s>", *CONTROL], "show_progress": False, **options}


def _byte_level(pattern: str | None) -> Callable[[], tuple[Tokenizer, Any]]:
    def make() -> tuple[Tokenizer, Any]:
        tokenizer = Tokenizer(models.BPE())
        parts: list[Any] = [pre_tokenizers.Split(Regex(pattern), "isolated")] if pattern else []
        parts.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
        tokenizer.decoder = decoders.ByteLevel()
        return tokenizer, trainers.BpeTrainer(**_special(initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))

    return make


def _metaspace(scheme: str) -> Callable[[], tuple[Tokenizer, Any]]:
    def make() -> tuple[Tokenizer, Any]:
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=True)
        tokenizer.decoder = _sentencepiece_decoder()
        return tokenizer, trainers.BpeTrainer(**_bytes())

    return make


def _replaced_spaces() -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    tokenizer.decoder = _sentencepiece_decoder()
    return tokenizer, trainers.BpeTrainer(**_bytes())


def _prepended() -> tuple[Tokenizer, Any]:
    tokenizer, trainer = _replaced_spaces()
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    return tokenizer, trainer


def _unigram() -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return tokenizer, trainers.UnigramTrainer(**_special(unk_token="<unk>"))


def _bytes() -> dict[str, Any]:
    options = _special()
    return {**options, "special_tokens": [*options["special_tokens"], *(f"<0x{byte:02X}>" for byte in range(256))]}


def _sentencepiece_decoder() -> Any:
    parts: Sequence[Any] = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(list(parts))


KINDS: dict[str, Callable[[], tuple[Tokenizer, Any]]] = {
    "byte-level, GPT-2": _byte_level(None),
    "byte-level, Llama 3 and Qwen": _byte_level(CL100K),
    "Metaspace first, Mistral": _metaspace("first"),
    "Metaspace always": _metaspace("always"),
    "prepended, Llama 2": _prepended,
    "replaced spaces, Gemma": _replaced_spaces,
    "Unigram, T5": _unigram,
}
_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEMPLATES: dict[str, str | None] = {
    "ChatML": _CHATML,
    "thinking": _CHATML.replace(
        "{{ m.role }}\n", "{{ m.role }}\n{% if m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}"
    ).replace("{% endif %}{% endfor", "{% endfor"),
    "Llama 2": (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}"
        "{% elif m.role == 'user' %}[INST] {{ m.content | trim }} [/INST]{% else %} {{ m.content | trim }} {{ eos_token }}"
        "{% endif %}{% endfor %}"
    ),
    "Llama 3.2": (
        "{{ bos_token }}{% for m in messages %}<|header|>{{ m.role }}\n\n"
        "{% if m.role == 'system' %}Today: {{ date_string or strftime_now('%d %b %Y') }}\n\n{% endif %}"
        "{{ m.content | trim }}<|eot|>{% endfor %}{% if add_generation_prompt %}<|header|>assistant\n\n{% endif %}"
    ),
    "Gemma": (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    ),
    "none": None,
}
