"""Figures, names, comparisons and what belongs to what are held against the text that a claim cites."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.exchange import exchange_conflict
from chatbot.facts import addresses_missing, comparison_conflict, find_names, names_missing, strong_words_missing
from chatbot.figures import figures_missing, find_figures, has_count

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
    [("It reaches 73.4%.", ["73.4%"]), ("It is 5% faster.", ["5%"]), ("It is six times faster.", ["six times"]),
     ("It reads 10 thousand points.", ["10 thousand"])],
)  # fmt: skip
def test_figures_that_the_source_lacks_are_named(claim: str, missing: list[str]) -> None:
    assert figures_missing(claim, SOURCE) == missing


@pytest.mark.parametrize(
    ("text", "noun", "is_there"),
    [
        ("We offer eleven built-in datasets and more.", "datasets", True),
        ("Trained on 3,000 images of 12 different object categories.", "category", True),
        ("There are many classes. We stack 30 layers.", "classes", False),
        ("It runs on GPUs, and is 2x faster.", "GPUs", False),
        ("Experiments on CIFAR-10 images", "images", False),
        ("layers: 12", "layer", True),
        ("a 12-layer Transformer", "layers", True),
        ("a 10-class problem", "classes", True),
    ],
)
def test_a_count_stands_beside_the_word_for_what_is_counted(text: str, noun: str, is_there: bool) -> None:
    assert has_count(text, noun) == is_there


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


def test_the_names_of_a_long_text_are_found_in_time() -> None:
    started = time.perf_counter()
    assert find_names("It is shown that FRNet works. " * 20_000) == ["FRNet"]
    assert time.perf_counter() - started < 5


def test_figures_may_be_rounded_where_the_claim_says_so() -> None:
    assert figures_missing("It reaches about 73% and roughly 82.5%.", SOURCE) == []
    assert figures_missing("It reaches 73%.", SOURCE) == ["73%"]
    assert figures_missing("It reaches about 72%.", SOURCE) == ["72%"]


def test_numbers_in_words_are_read_whole() -> None:
    assert figures_missing("It has ten million points in twenty-two sets.", "10M points, 22 sets") == []
    assert figures_missing("It takes less than 1 second.", "It takes less than a second.") == []


@pytest.mark.parametrize(
    ("claim", "source", "agrees"),
    [
        ("It has 2% on CIFAR10, 24% on ImageNet.", "We reach 2% on CIFAR10 and 24% on ImageNet.", True),
        ("On ImageNet it has 24%, on CIFAR10 2%.", "We reach 2% on CIFAR10 and 24% on ImageNet.", True),
        ("It has 24% on CIFAR10, 2% on ImageNet.", "We reach 2% on CIFAR10 and 24% on ImageNet.", False),
        ("It has 82% on KITTI and 73% on nuScenes.", "It has 73% and 82% on KITTI and nuScenes.", False),
        ("VFN has 53% and IPA 67%.", "VFN surpasses IPA (67% vs. 53%).", False),
        ("Teachers guide the students.", "The students are guided by the teachers.", True),
        ("Students guide the teachers.", "Teachers guide the students.", False),
    ],
)
def test_what_belongs_together_must_not_be_exchanged(claim: str, source: str, agrees: bool) -> None:
    assert (exchange_conflict(claim, source) == "") is agrees


def test_who_beats_whom_must_agree() -> None:
    source = "VFN outperforms IPA in protein diffusion."
    assert comparison_conflict("VFN beats IPA.", source) == ""
    assert comparison_conflict("IPA is outperformed by VFN.", source) == ""
    assert comparison_conflict("IPA has been clearly outperformed by VFN.", source) == ""
    assert "ahead" in comparison_conflict("IPA surpasses VFN.", source)
    assert "ahead" in comparison_conflict("VFN is clearly outperformed by IPA.", source)
    assert "compares nothing" in comparison_conflict("VFN outperforms IPA.", "VFN is a network for proteins.")


def test_words_that_claim_more_than_the_source_are_named() -> None:
    assert strong_words_missing("It always works for every graph.", "It works for many graphs.") == ["always", "every"]
    assert strong_words_missing("It works for all graphs.", "It works for any graph.") == []


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_compared_and_agrees_with_itself(one: str, other: str) -> None:
    figures_missing(one, other), names_missing(one, other), comparison_conflict(one, other)
    assert figures_missing(one, one) == []
    assert exchange_conflict(one, one) == ""
    assert strong_words_missing(one, other) is not None


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("Code is at https://github.com/a/b.", []),
        ("Code is at https://github.com/a.", ["https://github.com/a"]),
        ("Code is at https://github.com/a/b?q=asked.", ["https://github.com/a/b?q=asked"]),
        ("See [it](http://a.example/?q=b) or www.a.example.", ["http://a.example/?q=b", "www.a.example"]),
        ("Write to leak@evil.example.", ["leak@evil.example"]),
    ],
)  # fmt: skip
def test_an_address_has_to_stand_whole_in_the_source(claim: str, missing: list[str]) -> None:
    assert addresses_missing(claim, "Our code: https: //github.com/a/b/.") == missing
