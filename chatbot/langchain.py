"""The chatbot as LangChain parts: a retriever and a Runnable.

Knows LangChain's interfaces; knows nothing of how papers are found or answers written.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig

from chatbot.answers import Answer
from chatbot.records import Hit


class Bot(Protocol):
    """What these parts need of a PaperChatbot."""

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        """Answer one question."""

    def stream(self, question: str, history: Sequence[str] = ()) -> Iterator[Answer]:
        """Yield an answer as it grows."""

    def search(self, query: str, top_k: int | None = None) -> list[Hit]:
        """Return papers, best first."""


class PaperRetriever(BaseRetriever):
    """Find papers: ``invoke(query)`` returns Documents with the abstract as content and the rest as metadata."""

    bot: Any
    top_k: int = 10

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [
            Document(
                id=hit.paper.id,
                page_content=hit.paper.abstract,
                metadata={
                    "title": hit.paper.title,
                    "authors": list(hit.paper.authors),
                    "venue": hit.paper.venue,
                    "year": hit.paper.year,
                    "url": hit.paper.url,
                    "doi": hit.paper.doi,
                    "arxiv_id": hit.paper.arxiv_id,
                    "score": hit.score,
                },
            )
            for hit in self.bot.search(query, self.top_k)
        ]


class AskRunnable(Runnable[Any, Answer]):
    """``invoke`` and ``batch`` give Answers, ``stream`` gives the Answer as it grows.

    The input is a question, or ``{"question": …, "history": […]}``.
    """

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    def invoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> Answer:
        """Answer one question."""
        return self._call_with_config(lambda given: self._bot.ask(**_arguments(given)), input, config)

    def stream(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> Iterator[Answer]:
        """Yield the answer to one question, a sentence more each time."""
        yield from self._bot.stream(**_arguments(input))


def _arguments(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        return {"question": given}
    return {"question": given["question"], "history": given.get("history", ())}
