"""The chatbot as LangChain parts: a retriever and a Runnable.

Knows LangChain's interfaces; knows nothing of how papers are found or answers written.
"""

from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda

from chatbot.pipeline import PaperChatbot
from chatbot.records import Answer


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
                    "score": hit.score,
                },
            )
            for hit in self.bot.search(query, self.top_k)
        ]


def make_runnable(bot: PaperChatbot) -> Runnable[Any, Answer]:
    """Return a Runnable: ``invoke`` and ``batch`` give Answers, ``stream`` gives the Answer as it grows.

    The input is a question, or ``{"question": …, "history": […]}``.
    """

    def ask(given: Any) -> Answer:
        return bot.ask(**_arguments(given))

    def stream(inputs: Iterator[Any]) -> Iterator[Answer]:
        for given in inputs:
            yield from bot.stream(**_arguments(given))

    return RunnableLambda(ask, name="PaperChatbot")


def _arguments(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        return {"question": given}
    return {"question": given["question"], "history": given.get("history", ())}
