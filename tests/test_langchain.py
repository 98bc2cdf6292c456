"""The chatbot as LangChain parts."""

from pathlib import Path

import pytest
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda

from chatbot import PaperChatbot, pipeline
from chatbot.answers import Answer
from chatbot.embedding import load_embedder, load_words


def test_retriever_gives_documents(bot: PaperChatbot) -> None:
    retriever = bot.as_retriever(top_k=2)
    assert isinstance(retriever, BaseRetriever)
    documents = retriever.invoke("layer scaling for model merging")
    assert len(documents) == 2
    assert documents[0].metadata["title"].startswith("LiNeS")
    assert documents[0].page_content.startswith("Fine-tuning pre-trained models")


def test_runnable_invokes_streams_batches_and_composes(bot: PaperChatbot) -> None:
    chain: Runnable[object, Answer] = bot.as_runnable()
    assert chain.invoke("What is LiNeS?").status == "answered"
    given = {"question": "is the code out?", "history": ["What is FRNet?"]}
    first, second = chain.batch(["What is LiNeS?", given])
    assert (first.citations[0].title[:5], "FRNet" in second.standalone_question) == ("LiNeS", True)
    assert [answer.answer for answer in chain.stream("What is LiNeS?")][-1] == first.answer
    status = (chain | RunnableLambda(lambda answer: answer.status)).invoke("What is LiNeS?")
    assert status == "answered"


def test_a_fresh_chatbot_may_be_asked_from_several_threads_at_once(
    seed_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "load_embedder", load_embedder)  # with a model that is yet to be read
    monkeypatch.setattr(pipeline, "load_words", load_words)
    answers = PaperChatbot(index=seed_index, model="extractive").as_runnable().batch(["What is LiNeS?"] * 4)
    assert {answer.status for answer in answers} == {"answered"}
