"""E-mail addresses, IP addresses, and links that carry a password or a token."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from corpora.personal_data.recognizers.finding import Finding, Rule, any_case, apply_rules

_EMAIL = re.compile(r"(?<![\w.%+'@-])[\w%+][\w.%+'-]{0,63}@(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{0,22}[^\W\d_](?![\w@])")
_SPELLED_EMAIL = any_case(
    r"(?<![\w.])[a-z0-9][\w.+-]{0,40}\s?[\[({<]\s?at\s?[\])}>]\s?[\w-]{1,40}(?:(?:\s?[\[({<]\s?dot\s?[\])}>]\s?"
    r"|\.)[\w-]{1,20}){1,4}"
    r"|(?<![\w.])[a-z0-9][\w.+-]{0,40} at [\w-]{1,40}(?: dot [\w-]{1,20}){1,3}\b"
)
_IPV4 = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:%\w+)?(?![\w:])")
_IP_LABEL = any_case(
    r"\b(?:ip|ipv4|ipv6|host|server|address|login|logged|from|client|remote|gateway|dns|subnet|ping)\b[^\n]{0,25}$"
)
URL_RULES = (
    Rule(
        "url-with-credentials",
        0.99,
        any_case(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/@:<>\"']{1,80}:[^\s/@<>\"']{1,120}@[^\s<>\"')\]]*[\w/]"),
    ),
    Rule(
        "url-with-credentials",
        0.95,
        any_case(
            r"\bhttps?://[^\s<>\"']{1,300}[?&;#](?:access_|auth_|id_|session_?|reset_|refresh_)?(?:token|api_?key|apikey"
            r"|key|password|passwd|pwd|secret|sig|signature)"
            r"=[^\s<>\"')\]]*[\w/=-]"
        ),
    ),
)


def find_networks(text: str) -> Iterator[Finding]:
    """E-mail addresses, IP addresses and links with a password or token in folded `text`."""
    if "@" in text:
        yield from (Finding("email", *match.span(), 0.98) for match in _EMAIL.finditer(text))
    yield from (Finding("email", *match.span(), 0.85) for match in _SPELLED_EMAIL.finditer(text))
    for match in _IPV4.finditer(text):
        octets = match[0].split(".")
        if all(int(octet) <= 255 for octet in octets):
            labelled = _IP_LABEL.search(text, max(0, match.start() - 30), match.start())
            # "4.2.1.3" is a paragraph as often as a host.
            yield Finding("ip", *match.span(), 0.9 if labelled else 0.8 if any(int(octet) > 30 for octet in octets) else 0.3)
    for match in _IPV6.finditer(text):
        if sum(map(bool, match[0].split(":"))) >= 3 and any(character.isdigit() for character in match[0]):
            try:
                ipaddress.IPv6Address(match[0])
            except ValueError:
                continue
            yield Finding("ip", *match.span(), 0.9)
    yield from apply_rules(URL_RULES, text)
