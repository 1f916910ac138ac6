"""Every chat template that TRL ships: a row of training and a prompt of serving are what the template itself writes.

The templates are the real ones of some forty models; the tokenizer is the packaged one with their control tokens added.
"""

from __future__ import annotations

import re
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

from corpora.errors import ModelError
from raft.prompts.format import render_completion, render_prompt
from raft.prompts.tokenization import PromptEncoder
from raft.records import Passage, RaftExample
from raft.training.packing import IGNORED, pack
from retrieval.model_folders import ModelFolder

_SPEC = find_spec("trl")
assert _SPEC and _SPEC.origin
TEMPLATES = {path.stem: path for path in sorted((Path(_SPEC.origin).parent / "chat_templates").glob("*.jinja"))}
UNUSABLE: dict[str, str] = {}
"""Templates that cannot be used, with words of the reason that is given. None of these."""
NO_SYSTEM_ROLE = {"gemma", "gemma_training"}
SETTINGS = {
    "enable_thinking": False,
    "reasoning_effort": "low",
    "reasoning_strength": "low",
    "date_string": "26 Jul 2024",
    "current_date": "2024-07-26",
}
CONTROL = re.compile(
    r"<\|[^|<> ]*\|?>|<[^|<> ]*\|>|<\uff5c[^\uff5c]*\uff5c>|<(?:start|end)_of_(?:turn|utterance)>|\[gMASK\]|<sop>|</s>"
)
THOUGHTS = [("<think>", "</think>"), ("<|channel>thought", "<channel|>"), ("<|channel|>analysis", "<|channel|>final")]
PASSAGES = (
    Passage("c1", "d1", "Title: a", "", "One  two. Three\n\nFour."),
    Passage("c2", "d2", "B", "", "The cap is £5, \u4e94."),
)
EXAMPLE = RaftExample(
    "e", "x", "q", "What is the cap?", PASSAGES, (2, 1), ("c2",), "answer", "£5", ("£5",), (),
    render_completion([(2, "The cap is £5, \u4e94.")], "£5"), "train",
)  # fmt: skip


class _Clock(datetime):
    """The clock of the templates, on the fixed day."""

    @classmethod
    def now(cls, tz: Any = None) -> _Clock:
        return cls(2024, 7, 26, tzinfo=tz)


@pytest.fixture(scope="module")
def tokenizer(packaged: ModelFolder) -> PreTrainedTokenizerFast:
    loaded = AutoTokenizer.from_pretrained(packaged.path)
    texts = [path.read_text(encoding="utf-8") for path in TEMPLATES.values()]
    special = sorted({token for text in texts for token in CONTROL.findall(text)})
    loaded.add_special_tokens({"extra_special_tokens": special})
    loaded.add_tokens(["<think>", "</think>"])
    return loaded


def own_rendering(tokenizer: PreTrainedTokenizerFast, name: str, system: str, user: str, answer: str) -> tuple[str, list[int]]:
    """What the template itself writes on the fixed day: text and ids of the whole conversation."""
    texts = [("system", system), ("user", user), ("assistant", answer)]
    if name in NO_SYSTEM_ROLE:
        texts = [("user", f"{system}\n\n{user}"), ("assistant", answer)]
    found = []
    for in_parts in (False, True):  # templates for images want content in parts, and some write nothing of a plain string
        messages = [{"role": role, "content": [{"type": "text", "text": t}] if in_parts else t} for role, t in texts]
        try:
            text = str(tokenizer.apply_chat_template(messages, tokenize=False, **SETTINGS))
        except Exception:
            continue
        if text.count(answer) == 1:
            found.append((text, list(tokenizer.apply_chat_template(messages, return_dict=False, **SETTINGS))))
    return found[0]


@pytest.mark.parametrize("name", TEMPLATES)
def test_training_and_serving_are_what_the_template_writes(
    name: str, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer.chat_template = TEMPLATES[name].read_text(encoding="utf-8")
    if name in UNUSABLE:
        with pytest.raises(ModelError, match=UNUSABLE[name]):
            PromptEncoder(tokenizer)
        return
    encoder = PromptEncoder(tokenizer)
    prompt = render_prompt(PASSAGES, EXAMPLE.question, EXAMPLE.search_order)
    served = encoder.encode(prompt)
    (row,) = pack([EXAMPLE], encoder, 8192)
    learnt = [label for label in row.labels if label != IGNORED]

    assert row.input_ids[: len(served.ids)] == served.ids, "serving continues what training began"
    assert learnt == list(row.input_ids[len(served.ids) :]) == list(encoder.completion(EXAMPLE.completion))

    monkeypatch.setattr(chat_template_utils, "datetime", _Clock)
    text, ids = own_rendering(tokenizer, name, prompt.system, prompt.user, EXAMPLE.completion)
    after = text.partition(EXAMPLE.completion)[2].strip()
    compared = len(row.input_ids) if after else len(row.input_ids) - 1  # a turn that the template leaves open
    assert list(row.input_ids[:compared]) == ids[:compared]
    tail = tokenizer.decode(ids[compared:], skip_special_tokens=True)
    assert not tail.strip(), "and after it comes no more than white space and control tokens"

    for token in encoder.stop_ids:
        assert token == tokenizer.eos_token_id or tokenizer.added_tokens_decoder[token].special
    assert learnt[-1] in encoder.stop_ids or learnt[-2] in encoder.stop_ids
    before = tokenizer.decode(served.ids)
    for opener, closer in THOUGHTS:
        assert before.rfind(opener) <= before.rfind(closer), "the answer is not inside an open thought"
    today = datetime.now()
    for day in ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%B %d, %Y"):
        assert today.strftime(day) not in before


def test_the_table_is_that_of_trl() -> None:
    assert len(TEMPLATES) >= 40 and UNUSABLE.keys() <= TEMPLATES.keys() >= NO_SYSTEM_ROLE


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for m in messages %}{{ m.role }}: hello\n{% endfor %}", "leaves out the text of the role system"),
        ("{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}", "repeats the text"),
        ("{{ raise_exception('images only') }}", "images only"),
        (
            "{% for m in messages %}{% if m.role == 'assistant' %}<think>\n{% endif %}{{ m.content }}{% endfor %}",
            "open thought",
        ),
        ("{% for m in messages %}", "refuses"),
    ],
)
def test_a_template_that_cannot_be_used_says_why(tokenizer: PreTrainedTokenizerFast, template: str, reason: str) -> None:
    tokenizer.chat_template = template
    with pytest.raises(ModelError, match=reason):
        PromptEncoder(tokenizer)


def test_every_way_to_write_the_day_is_fixed(tokenizer: PreTrainedTokenizerFast) -> None:
    days = "%A %a %B %b %d %m %Y %y %j %-d %F"
    tokenizer.chat_template = (
        "{{ strftime_now('" + days + "') }}\n{% for m in messages %}{{ m.content }}<|im_end|>\n{% endfor %}"
    )
    assert PromptEncoder(tokenizer).frame.before_system == datetime(2024, 7, 26).strftime(days) + "\n"


def test_nothing_that_ends_a_turn_is_an_error_before_work_begins(packaged: ModelFolder) -> None:
    endless = AutoTokenizer.from_pretrained(packaged.path)
    endless.chat_template = "{% for m in messages %}{{ m.content }}\n{% endfor %}"
    endless.eos_token = None
    with pytest.raises(ModelError, match="ends a turn"):
        PromptEncoder(endless)
