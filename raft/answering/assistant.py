"""Questions to answers with verified citations: retrieve, render, complete, parse, verify.

Evaluation judges and serving serves exactly this code, so what was measured is what runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpora.records import Chunk
from raft.abstention import AbstentionModel
from raft.answering.engine import Completion, Engine
from raft.prompts.format import Prompt, parse_completion, render_abstention, render_prompt
from raft.quotes.verification import cite
from raft.records import Answer, Passage
from retrieval.records import SearchResult
from retrieval.search.retriever import Searcher

MAX_TOKENS = 96


def as_passage(chunk: Chunk) -> Passage:
    """A chunk as a prompt shows it."""
    return Passage(chunk.id, chunk.document_id, chunk.title, chunk.section, chunk.text)


@dataclass(frozen=True)
class Assistant:
    """Answers questions from retrieved passages with a searcher and an engine.

    `run` names the tuned model, None is the base; `passages` go into a prompt. With a `support` model it abstains,
    without asking the engine, when the chance that search found the evidence is below `min_support`.
    """

    searcher: Searcher
    engine: Engine
    run: str | None
    passages: int = 5
    max_tokens: int = MAX_TOKENS
    support: AbstentionModel | None = None
    min_support: float = 0.5

    def retrieve(self, questions: Sequence[str]) -> list[SearchResult]:
        """The search result of each question, in order, with at most `passages` hits."""
        return self.searcher.search(questions, self.passages)

    def answer(self, questions: Sequence[str]) -> list[Answer]:
        """An answer for each question, in order."""
        return self.answer_from(questions, self.retrieve(questions))

    def answer_from(self, questions: Sequence[str], results: Sequence[SearchResult]) -> list[Answer]:
        """Answers from passages already retrieved, so that several models can be asked about the same ones."""
        pairs = list(zip(questions, results, strict=True))
        answers = [self.abstention(question, result) for question, result in pairs]
        unanswered = [pair for pair, answer in zip(pairs, answers, strict=True) if answer is None]
        prompts = [self.prompt(question, result) for question, result in unanswered]
        completions = iter(self.engine.complete(prompts, self.max_tokens) if prompts else [])
        return [
            answer or self.interpret(question, result, next(completions))
            for (question, result), answer in zip(pairs, answers, strict=True)
        ]

    def support_of(self, question: str, result: SearchResult) -> float | None:
        """The chance, in 0–1, that the passages hold the evidence; None without a support model."""
        return self.support.probability(question, result) if self.support else None

    def abstention(self, question: str, result: SearchResult) -> Answer | None:
        """The abstaining answer when the chance of support is below `min_support`, else None."""
        support = self.support_of(question, result)
        if support is None or support >= self.min_support:
            return None
        return self.interpret(question, result, Completion(render_abstention(), 0, 0, finished=True))

    def prompt(self, question: str, result: SearchResult) -> Prompt:
        """The prompt over the passages of `result`, in the order that search gave them."""
        passages = [as_passage(hit.chunk) for hit in result.hits]
        return render_prompt(passages, question, range(1, len(passages) + 1))

    def interpret(self, question: str, result: SearchResult, completion: Completion) -> Answer:
        """The answer that a completion gives, with each of its quotes looked up in the retrieved passages."""
        parsed = parse_completion(completion.text)
        citations = cite(parsed.quotes, [hit.chunk for hit in result.hits])
        free_text_proves = not parsed.well_formed and any(citation.verified for citation in citations)
        abstained = parsed.abstained and not (free_text_proves and parsed.answer)
        return Answer(
            question=question,
            answer=parsed.answer,
            abstained=abstained,
            citations=() if abstained else citations,
            snapshot=result.snapshot,
            run=self.run,
            support=self.support_of(question, result),
            completion=completion.text,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
        )
