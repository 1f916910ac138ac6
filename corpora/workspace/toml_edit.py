"""One value of a commented TOML file changed in place. Knows flat sections of one-line values, as `raftsmith.toml` has them."""

from __future__ import annotations

import json
import re


def with_value(text: str, section: str, key: str, value: str | float | int | bool) -> str:
    """`text` with `key` of `[section]` as `value`; comments and everything else stay. What is missing is added."""
    shown = json.dumps(value, ensure_ascii=False)
    lines = text.split("\n")
    start = next(
        (number for number, line in enumerate(lines) if re.fullmatch(rf"\[{re.escape(section)}\]\s*(#.*)?", line.strip())), None
    )
    if start is None:
        return f"{text.rstrip()}\n\n[{section}]\n{key} = {shown}\n"
    end = next((number for number in range(start + 1, len(lines)) if lines[number].lstrip().startswith("[")), len(lines))
    for number in range(start + 1, end):
        match = re.match(rf"(\s*{re.escape(key)}\s*=\s*)(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^#\s]+)(.*)", lines[number])
        if match:
            lines[number] = f"{match[1]}{shown}{match[3]}"
            return "\n".join(lines)
    last = end
    while not lines[last - 1].strip():
        last -= 1
    return "\n".join([*lines[:last], f"{key} = {shown}", *lines[last:]])
