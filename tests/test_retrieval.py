"""Finding papers: fused scores, and the two collections the weights were tuned on when they are at hand."""

import numpy as np
import pytest

from chatbot import PaperChatbot
from chatbot.errors import InputError
from chatbot.retrieval import RESCORED, WEIGHTS, Candidates, _fuse, _order, _smooth


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("LiNeS", "LiNeS"),
        ("quantum circuits that learn sequences", "Learning to Program Variational Quantum Circuits with Fast Weights"),
        ("malicious peers in serverless training", "Bristle"),
        ("zero-knowledge proof", "zkDL"),
    ],
)
def test_names_and_descriptions_find_their_paper(bot: PaperChatbot, query: str, name: str) -> None:
    hits = bot.search(query, top_k=3)
    assert hits[0].paper.name.startswith(name)
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert hits[0].score >= hits[1].score >= hits[2].score


@pytest.mark.parametrize("query", ['"unbalanced (quote', "title:x AND OR NOT", "* ? ~ ^ [a TO b]", "🙂", "的"])
def test_query_syntax_and_odd_characters_are_only_text(bot: PaperChatbot, query: str) -> None:
    assert len(bot.search(query, top_k=5)) == 5


def test_all_papers_can_be_asked_for(bot: PaperChatbot) -> None:
    hits = bot.search("learning", top_k=1000)
    assert len({hit.paper.id for hit in hits}) == len(hits) == 59


@pytest.mark.parametrize("query", ["", "  \n\t", "\x00\x07", "x" * 100_000])
def test_unusable_queries_are_refused(bot: PaperChatbot, query: str) -> None:
    with pytest.raises(InputError):
        bot.search(query)


def test_fusion_scales_each_part_to_its_weight() -> None:
    fused = _fuse({"passage": {"a": 0.9, "b": 0.1}, "words": {"b": 7.0, "c": 3.0}, "pairs": {}, "sentence": {"a": 0.5}})
    assert fused == pytest.approx({"a": WEIGHTS["passage"] + WEIGHTS["sentence"], "b": WEIGHTS["words"], "c": 0.0})


def test_a_paper_alone_behind_those_rescored_comes_last() -> None:
    vector = np.eye(8, dtype=np.float32)[0]
    passages = {f"p{at}": 1.0 - at / 100 for at in range(RESCORED + 1)}
    vectors = dict.fromkeys(list(passages)[:RESCORED], vector[None])
    found = _order(Candidates(passages, {}, {}, vectors), vector, RESCORED + 1)
    assert (len(found), found[-1][0], found[-1][1]) == (RESCORED + 1, f"p{RESCORED}", 0.0)


def test_smoothing_lifts_a_paper_among_good_neighbours() -> None:
    close = np.eye(8, dtype=np.float32)
    close[:6] = 1 / np.sqrt(8)
    scores = np.array([1, 1, 1, 1, 1, 0.2, 0.5, 0.5], np.float32)
    smooth = _smooth(scores, close)
    assert smooth[5] > scores[5]
    assert smooth[6] < scores[0]
