"""A model behind an OpenAI-compatible endpoint. Contacts the address that it is given, and nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass

import httpx

from corpora.errors import DatasetError


@dataclass(frozen=True)
class Teacher:
    """An OpenAI-compatible endpoint, asked with the key in `RAFTSMITH_TEACHER_KEY`.

    `url` ends before `/chat/completions`; `timeout_s` is of one request.
    """

    url: str
    model: str
    timeout_s: float = 120.0

    def reply(self, prompt: str) -> str:
        """The teacher's reply to one prompt. Raises DatasetError when it cannot be reached or refuses."""
        key = os.environ.get("RAFTSMITH_TEACHER_KEY")
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": 300,
        }
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            response = httpx.post(
                f"{self.url.rstrip('/')}/chat/completions", json=body, headers=headers, timeout=self.timeout_s
            )
            response.raise_for_status()
            return str(response.json()["choices"][0]["message"]["content"])
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise DatasetError(
                f"the teacher at {self.url} did not answer ({type(error).__name__}: {error}); what it wrote so far is kept: "
                "check the URL, the model name and RAFTSMITH_TEACHER_KEY, and run the same command again"
            ) from error
