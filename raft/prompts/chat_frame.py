"""What a tokenizer's chat template writes around the system text, the user's message and the answer. Strings, no ids.

A conversation with placeholders is rendered once and split at them. The frame is that of the *rendered assistant turn*,
not of the generation prompt: several templates open a thought in the one and leave it out, or close it, in the other.
Thinking is off where the template knows it, and no template sees today's date: training and serving write the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corpora.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SYSTEM_SLOT, USER_SLOT, ANSWER_SLOT = "\ue0a1slot1\ue0a1", "\ue0a2slot2\ue0a2", "\ue0a3slot3\ue0a3"
SYSTEM_IN_USER = "\n\n"
"""Stands between the system text and the user's message where a template has no place for a system text."""
_SETTINGS: Mapping[str, Any] = {
    "enable_thinking": False,
    "thinking": False,
    "thinking_budget": 0,
    "reasoning_effort": "low",
    "reasoning_strength": "low",
    "date_string": "26 Jul 2024",
    "current_date": "2024-07-26",
}
"""Variables of known templates that switch thinking off, or down, or name the day. The day is Llama 3.1's own default."""
_DATE = {
    "%A": "Friday", "%a": "Fri", "%B": "July", "%b": "Jul", "%d": "26", "%-d": "26", "%e": "26", "%m": "07", "%-m": "7",
    "%Y": "2024", "%y": "24", "%j": "208", "%H": "00", "%M": "00", "%S": "00", "%F": "2024-07-26",
}  # fmt: skip
_OPEN_THOUGHT = re.compile(
    r"<(?:think|thinking|thought|reasoning|seed:think)>(?!.*</(?:think|thinking|thought|reasoning|seed:think)>)"
    r"|\[THINK\](?!.*\[/THINK\])|<\|START_THINKING\|>(?!.*<\|END_THINKING\|>)|<\|channel\|?>(?:analysis|thought)(?!.*(?:final|<channel\|>))",
    re.S,
)


@dataclass(frozen=True)
class ChatFrame:
    """The template's text before the system text, between it and the user's message, before and after the answer.

    With `merge_system` the system text opens the user's message and `between` is empty. `plain` is a frame of ours, for
    a tokenizer without a chat template.
    """

    before_system: str
    between: str
    before_answer: str
    after_answer: str
    merge_system: bool
    plain: bool = False


def chat_frame(tokenizer: PreTrainedTokenizerBase) -> ChatFrame:
    """The frame of the tokenizer's chat template, or the plain one where it has none.

    Raises ModelError with the reason when a template cannot hold a system text, a message and an answer.
    """
    if not tokenizer.chat_template:
        return _plain_frame(tokenizer)
    reasons = []
    for merge_system in (False, True):
        for in_parts in (False, True):
            found = _rendered(tokenizer, merge_system, in_parts)
            if isinstance(found, ChatFrame):
                return found
            reasons.append(found)
    raise ModelError(f"the tokenizer's chat template cannot be used: {reasons[0]}; choose an instruction-tuned model")


def template_settings(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """The variables that the chat template declares and that are set, for `apply_chat_template`."""
    import jinja2
    from jinja2 import meta

    source = re.sub(r"\{%[-+]?\s*(?:end)?generation\s*[-+]?%\}", "", tokenizer.get_chat_template())
    environment = jinja2.Environment(extensions=["jinja2.ext.loopcontrols"], autoescape=True)  # parses, never renders
    declared = meta.find_undeclared_variables(environment.parse(source))
    return {name: value for name, value in _SETTINGS.items() if name in declared}


def dated_template(tokenizer: PreTrainedTokenizerBase) -> str:
    """The chat template with a fixed day instead of the clock's, the same text otherwise."""
    source: str = tokenizer.get_chat_template()
    if "strftime_now" not in source:
        return source
    filters = "".join(f"|replace({directive!r}, {value!r})" for directive, value in _DATE.items())
    # a template's own macro goes before the function of that name; the line break after it is trimmed
    return "{%- macro strftime_now(format) -%}{{ format" + filters + " }}{%- endmacro %}\n" + source


def _rendered(tokenizer: PreTrainedTokenizerBase, merge_system: bool, in_parts: bool) -> ChatFrame | str:
    """The frame, or why there is none."""

    def render(slots: Sequence[tuple[str, str]]) -> str:
        conversation = [{"role": r, "content": [{"type": "text", "text": t}] if in_parts else t} for r, t in slots]
        template, settings = dated_template(tokenizer), template_settings(tokenizer)
        return str(tokenizer.apply_chat_template(conversation, chat_template=template, tokenize=False, **settings))

    slots = [("user", USER_SLOT), ("assistant", ANSWER_SLOT)]
    if not merge_system:
        slots.insert(0, ("system", SYSTEM_SLOT))
    try:
        text = render(slots)
        if not text.rpartition(ANSWER_SLOT)[2].strip():  # the beginning of the next turn ends this one
            text += render([*slots, ("user", USER_SLOT)]).rpartition(ANSWER_SLOT)[2].partition(USER_SLOT)[0]
    except Exception as error:  # a template refuses in its own words, and may use what a plain conversation has not
        return f"it refuses a conversation: {error}"
    pieces = []
    for role, slot in slots:
        before, found, text = text.partition(slot)
        if not found or slot in text:
            return f"it {'repeats' if found else 'leaves out'} the text of the role {role}"
        pieces.append(before)
    if _OPEN_THOUGHT.search(pieces[-1]):
        return "it leaves the answer inside an open thought"
    return ChatFrame(pieces[0], "" if merge_system else pieces[1], pieces[-1], text, merge_system)


def _plain_frame(tokenizer: PreTrainedTokenizerBase) -> ChatFrame:
    """Text without control tokens but the first and the last: system, blank line, message, line break, answer, end."""
    begins = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
    before = str(tokenizer.bos_token) if begins and tokenizer.bos_token else ""
    return ChatFrame(before, "\n\n", "\n", str(tokenizer.eos_token or ""), merge_system=False, plain=True)
