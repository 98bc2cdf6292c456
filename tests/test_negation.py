"""Whether a claim denies what its source states, by the words that correspond in the two."""

import pytest

from chatbot import PaperChatbot
from chatbot.maxsim import nearest_word
from chatbot.negation import negation_conflict


def find_conflict(bot: PaperChatbot, claim: str, source: str) -> str:
    own, other = bot.reader.words.embed_words([claim, source])
    return negation_conflict(
        claim,
        source,
        lambda start, end: nearest_word(own, start, end, other),
        lambda start, end: nearest_word(other, start, end, own),
    )


@pytest.mark.parametrize(
    ("claim", "source", "agrees"),
    [
        ("It does not memorize examples.", "It does not memorize examples.", True),
        ("It memorizes examples.", "It does not memorize examples.", False),
        ("It does not memorize examples.", "It memorizes examples.", False),
        ("It needs no training.", "It is training-free.", True),
        ("It works without replay.", "It avoids replay of examples.", True),
        ("It is fast.", "It is fast. It not only wins, but scales.", True),
        ("Whether linear or not, it works.", "It works for linear and non-linear systems.", True),
        ("It cannot derive paths.", "It is unable to find paths.", True),
        ("The two can be distinguished.", "The two are indistinguishable.", False),
        ("It is for the unsupervised setting.", "It is for the supervised and the unsupervised setting.", True),
        ("It improves the regret bound.", "We prove that it improves the regret bound.", True),
        ("It is for the unsupervised setting.", "It is for the supervised setting.", False),
        ("The rate depends on the size.", "The rate is independent of the size.", False),
        ("Retraining is not possible until data arrive.", "Retraining is possible after data arrive.", True),
        # What it may be about is said without the little words around it.
        ("The update disturbs old tasks.", "The update will not interfere with old tasks.", False),
        ("It stems from the batch size.", "It stems from few updates rather than the batch size.", False),
        ("The systems organize memory well.", "The systems lack organization of memory.", False),
        # A negative word that both have answers to no negation.
        ("It was not inspired by slow learning.", "Inspired by slow learning, it stores errors.", False),
        ("It could learn from incomplete paths.", "No learning was possible from incomplete paths.", False),
        # In the claim, the negation may come later.
        ("Smoothness of the gradient is not needed.", "It works without smoothness of the gradient.", True),
        ("It is not updated at each step.", "It is updated periodically instead of at each step.", True),
    ],
)
def test_negations_must_agree(bot: PaperChatbot, claim: str, source: str, agrees: bool) -> None:
    assert (find_conflict(bot, claim, source) == "") is agrees


@pytest.mark.parametrize("text", ["", "not", "It is not. No.", "independent", "non-"])
def test_any_text_agrees_with_itself(bot: PaperChatbot, text: str) -> None:
    assert find_conflict(bot, text, text) == ""
