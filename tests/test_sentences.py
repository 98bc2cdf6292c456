"""Sentence borders in abstracts, with every accident met on the seed page."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.records import Paper
from chatbot.sentences import split_sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It works on platforms.Code is here.", ["It works on platforms.", "Code is here."]),
        ("set budgets.While rates matter", ["set budgets.", "While rates matter"]),
        (
            "FSA is replay-free i.e.~it does not memorize. Next.",
            ["FSA is replay-free i.e.~it does not memorize.", "Next."],
        ),
        ("Classes are non-i.i.d., Bristle wins. We show it.", ["Classes are non-i.i.d., Bristle wins.", "We show it."]),
        ("Data of peers is non-i.i.d. (i.e., distributed differently).", None),
        ("It handles non-i.i.d. classes.", None),
        ("Scores rise (54% vs. 51.98%). In folding too.", ["Scores rise (54% vs. 51.98%).", "In folding too."]),
        ("Gains, e.g. ResNet and E.g. others.", None),
        (
            "It reads any .csv format. Beyond loading, it plots.",
            ["It reads any .csv format.", "Beyond loading, it plots."],
        ),
        ("We add zkReLU. zkReLU turns it around.", ["We add zkReLU.", "zkReLU turns it around."]),
        ("An extra 2.5\\% on GMV. We deploy it.", ["An extra 2.5\\% on GMV.", "We deploy it."]),
        (
            "It needs mathcal{O}(1/epsilon^4) steps. Notably, so.",
            ["It needs mathcal{O}(1/epsilon^4) steps.", "Notably, so."],
        ),
        ("Code: https://github.com/a/b.c. It runs.", ["Code: https://github.com/a/b.c.", "It runs."]),
        ("Code at https://github.com/wang-kee/LiNeS", None),
        ("The link: https: //github.com/Graph-COM/N.", None),
        (
            'for ``Planning In NEtworks." Project ALPINE starts.',
            ['for ``Planning In NEtworks."', "Project ALPINE starts."],
        ),
        ("Two problems: (1) It is slow. (2) It is large.", ["Two problems: (1) It is slow.", "(2) It is large."]),
        ("See Fig. 3 and Sec. 2 of Smith et al. (2020).", None),
        ("As in Smith et al. The rest follows.", ["As in Smith et al.", "The rest follows."]),
        ("Is it so? Yes! We see.", ["Is it so?", "Yes!", "We see."]),
        ("it was measured . the results agree .", ["it was measured .", "the results agree ."]),
        ("results.xtensive tests", None),
        ("", []),
        (" \n ", []),
    ],
)
def test_borders(text: str, expected: list[str] | None) -> None:
    assert split(text) == ([text] if expected is None else expected)


def test_seed_page_has_no_run_on_sentence(seed_papers: dict[str, Paper]) -> None:
    stepsize = next(paper for paper in seed_papers.values() if paper.title.startswith("Stepsize anything"))
    assert [sentence.split()[0] for sentence in split(stepsize.abstract)] == [
        "The", "While", "In", "In", "First,", "From", "Moreover,", "Besides,", "We",
    ]  # fmt: skip


@given(st.text(alphabet="aB1 .!?()[]\"'\n\\~%$é中", max_size=200))
def test_spans_hold_all_text_in_order(text: str) -> None:
    spans = split_sentences(text)
    assert all(start < end for start, end in spans)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))
    assert "".join("".join(split(text)).split()) == "".join(text.split())
