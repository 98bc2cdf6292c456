"""Acronyms that the papers spell out."""

from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.acronyms import find_long_form


@pytest.mark.parametrize(
    ("acronym", "text", "words"),
    [
        ("SNNs", "Spiking neural networks compute. We train spiking neural networks.", "spiking neural networks"),
        ("RAG", "Query-by-query generation? No: query-by-query generation.", ""),
        ("GQB", "Generation query-by? No: generation query-by.", ""),
        ("SOTA", "Above the state-of-the-art; again the state-of-the-art.", "state-of-the-art"),
        ("NLP", "Natural-language processing, or natural-language processing.", "natural-language processing"),
        ("MSE", "Here memory systems enable agents.", ""),
        ("ABC", "They are being considered.", ""),
        ("RL", "We use reinforcement learning.", ""),
        ("LiNeS", "Layers increase, nets even scale.", ""),
        ("SNNs", "", ""),
    ],
)
def test_the_words_of_an_acronym(acronym: str, text: str, words: str) -> None:
    assert find_long_form(acronym, ["Nothing here.", text]) == words


def test_an_acronym_that_no_paper_uses_is_understood(seed_index: Path) -> None:
    bot = PaperChatbot(index=seed_index, model="extractive")
    answer = bot.ask("How is forgetting kept at bay in SNNs?")
    assert answer.status == "answered"
    assert "Hebbian" in answer.citations[0].title
    assert answer.question == "How is forgetting kept at bay in SNNs?"
    assert answer.standalone_question == "How is forgetting kept at bay in spiking neural networks?"
    assert "QSNNs" in bot.ask("How do QSNNs and SNNs differ?").standalone_question


def test_what_is_missing_is_never_a_name_that_is_there(seed_index: Path) -> None:
    bot = PaperChatbot(index=seed_index, model="extractive")
    answer = bot.ask("what is the learning rate of LiNeS and which GPU was used?")
    assert answer.status == "abstained"
    assert "“LiNeS”" not in answer.answer
