"""Figures, names, negations and comparisons of a claim are held against the text it cites."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.facts import (
    comparison_conflict,
    figures_missing,
    find_figures,
    find_names,
    names_missing,
    negation_conflict,
    strong_words_missing,
)

SOURCE = "FRNet achieves 73.3% and 82.5% mIoU and operates 5 times faster on 10M points than CIFAR-10 models."


@pytest.mark.parametrize(
    "claim",
    ["It reaches 73.3 % mIoU.", "It is five times faster.", "It is 5x faster.", "It reads 10 million points.",
     "It reaches 82.5 percent.", "It has two sides on CIFAR-10."],
)  # fmt: skip
def test_figures_written_in_another_way_agree(claim: str) -> None:
    assert figures_missing(claim, SOURCE) == []


@pytest.mark.parametrize(
    ("claim", "missing"),
    [("It reaches 73.4%.", ["73.4%"]), ("It is 5% faster.", ["5%"]), ("It is six times faster.", ["six"]),
     ("It reads 10 thousand points.", ["10 thousand"])],
)  # fmt: skip
def test_figures_that_the_source_lacks_are_named(claim: str, missing: list[str]) -> None:
    assert figures_missing(claim, SOURCE) == missing


def test_digits_in_names_are_no_figures() -> None:
    assert find_figures("ResNet50, GPT-4, CIFAR-10 and 3D points in YOLOv9") == []


def test_powers_are_figures() -> None:
    assert figures_missing("It needs 1/epsilon^4 and 10^6 steps", "within 10^6 steps and 1/epsilon^4") == []


def test_names_may_be_spelled_out_or_abbreviated() -> None:
    assert names_missing("The GNNs use an EMA.", "Graph Neural Networks (GNN) use an exponential moving average.") == []
    assert names_missing("In Class Incremental Learning it wins.", "It wins in CIL.") == []
    assert names_missing("It uses pre-training.", "It uses pretraining.") == []


def test_names_that_the_source_lacks_are_named() -> None:
    assert names_missing("FRNet beats RangeNet.", "FRNet is a network.") == ["RangeNet"]
    assert names_missing("A Memory A-MEM network is used.", "a memory network is used with a template") == [
        "Memory",
        "A-MEM",
    ] or names_missing("The A-MEM network", "a memory network") == ["A-MEM"]


def test_sentence_openings_are_no_names() -> None:
    assert find_names("Experiments show that it works. However, FRNet is faster.") == ["FRNet"]


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
        ("It is not updated at each step.", "It is updated periodically instead of at each step.", True),
    ],
)
def test_negations_must_agree(claim: str, source: str, agrees: bool) -> None:
    assert (negation_conflict(claim, source) == "") is agrees


def test_who_beats_whom_must_agree() -> None:
    source = "VFN outperforms IPA in protein diffusion."
    assert comparison_conflict("VFN beats IPA.", source) == ""
    assert comparison_conflict("IPA is outperformed by VFN.", source) == ""
    assert "ahead" in comparison_conflict("IPA surpasses VFN.", source)
    assert "compares nothing" in comparison_conflict("VFN outperforms IPA.", "VFN is a network for proteins.")


def test_words_that_claim_more_than_the_source_are_named() -> None:
    assert strong_words_missing("It always works for every graph.", "It works for many graphs.") == ["always", "every"]
    assert strong_words_missing("It works for all graphs.", "It works for any graph.") == []


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_compared_and_agrees_with_itself(one: str, other: str) -> None:
    figures_missing(one, other), names_missing(one, other), comparison_conflict(one, other)
    assert figures_missing(one, one) == []
    assert negation_conflict(one, one) == ""
    assert strong_words_missing(one, other) is not None
