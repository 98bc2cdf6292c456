"""The checker of citations: verdicts on single claims, and the bench that measures it."""

from dataclasses import replace
from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.claims import Checked, Claim, Mark, Passage
from evals.corruptions import spoil
from evals.judging import ask_judge
from evals.verifier import HONEST, LEAST_CAUGHT, MOST_SUSPECTED, Bench, Rate, evaluate_verifier, find_worse
from tests.model_server import ModelServer, Reply


@pytest.fixture(scope="module")
def passages(bot: PaperChatbot) -> list[Passage]:
    papers = [paper for paper in bot.papers() if paper.name in {"FRNet", "LiNeS", "FRUGAL"}]
    papers.sort(key=lambda paper: ["FRNet", "LiNeS", "FRUGAL"].index(paper.name))
    spans = bot.index.spans(papers)
    return [Passage(number, paper, tuple(spans[paper.id])) for number, paper in enumerate(papers, 1)]


def verify(bot: PaperChatbot, passages: list[Passage], text: str, *marks: Mark) -> Checked:
    return bot.answerer.verifier.verify(Claim(text, marks), passages)


def test_a_reworded_sentence_is_supported_by_its_exact_source(bot: PaperChatbot, passages: list[Passage]) -> None:
    checked = verify(bot, passages, "FRNet runs five times faster than the state of the art.", Mark(1))
    assert (checked.verdict, checked.moved) == ("supported", False)
    assert any("operates 5 times faster" in span.text for _, span in checked.sources)


@pytest.mark.parametrize(
    ("text", "marks", "reason"),
    [
        ("FRNet runs six times faster than the state of the art.", (Mark(1),), "six"),
        ("FRNet does not run five times faster than the state of the art.", (Mark(1),), "not"),
        ("FRNet was tested on the Waymo data set.", (Mark(1),), "Waymo"),
        ("FRNet runs five times faster than the state of the art.", (), "cites nothing"),
        ("Bees fly faster in cold weather.", (Mark(1),), "does not say this"),
    ],
)
def test_what_the_passage_does_not_say_is_unsupported(
    bot: PaperChatbot, passages: list[Passage], text: str, marks: tuple[Mark, ...], reason: str
) -> None:
    checked = verify(bot, passages, text, *marks)
    assert checked.verdict == "unsupported"
    assert reason in checked.reason
    assert checked.sources == ()


@pytest.mark.parametrize("mark", [Mark(2), Mark(2, 3), Mark(99)])
def test_a_claim_of_another_passage_is_moved_there(bot: PaperChatbot, passages: list[Passage], mark: Mark) -> None:
    checked = verify(bot, passages, "FRNet runs five times faster than the state of the art.", mark)
    assert (checked.verdict, checked.moved) == ("supported", True)
    assert {paper.name for paper, _ in checked.sources} == {"FRNet"}


def test_a_claim_about_two_papers_may_rest_on_both(bot: PaperChatbot, passages: list[Passage]) -> None:
    text = "FRNet operates 5 times faster, and LiNeS scales parameter updates linearly with their layer depth."
    checked = verify(bot, passages, text, Mark(1), Mark(2))
    assert checked.verdict == "supported"
    assert {paper.name for paper, _ in checked.sources} == {"FRNet", "LiNeS"}


def test_written_claims_are_quoted_from_their_papers(bot: PaperChatbot) -> None:
    bench = Bench(bot)
    for split, count in (("dev", 187), ("test", 100)):
        claims = bench.honest(split)
        assert len(claims) == count
        assert all(0 < claim.start < len(claim.paper.text) for claim in claims)
    assert not {c.paper.id for c in bench.honest("dev")} & {c.paper.id for c in bench.honest("test")}


def test_corruptions_make_each_kind_of_lie_and_always_the_same(bot: PaperChatbot) -> None:
    claims = Bench(bot).honest("dev")
    spoilt = spoil(claims, rounds=1)
    assert spoilt == spoil(claims, rounds=1)
    assert len({one.kind for _, one in spoilt}) == 7
    assert all((one.text, one.cited) != (claim.text, claim.paper) for claim, one in spoilt)


def test_rates_are_held_to_the_accepted_ones() -> None:
    good = [Rate(kind, 1000, 999 - round(1000 * least), 0, 0, 0, 0, 1) for kind, least in LEAST_CAUGHT.items()]
    good.append(Rate(HONEST, 1000, 1001 - round(1000 * MOST_SUSPECTED), 0, 0, 0, 0, 1))
    assert find_worse(good) == []
    worse = [replace(rate, passed=rate.passed + (-2 if rate.kind == HONEST else 2)) for rate in good]
    assert [line.partition(":")[0] for line in find_worse(worse)] == [*LEAST_CAUGHT, HONEST]


def test_each_kind_of_claim_is_rated(bot: PaperChatbot, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Bench.honest
    monkeypatch.setattr(Bench, "honest", lambda bench, split: honest(bench, split)[::12])
    rates = {rate.kind: rate for rate in evaluate_verifier(bot, "dev", rounds=1)}
    assert rates.keys() >= {HONEST, *LEAST_CAUGHT, "written: all"}
    assert rates[HONEST].claims == 16
    assert rates[HONEST].caught <= 0.13
    assert all(rates[kind].caught >= 0.8 for kind in LEAST_CAUGHT)


def test_a_judge_is_unscored_when_it_says_neither_word(server: ModelServer, seed_index: Path) -> None:
    bot = PaperChatbot(index=seed_index, openai_base_url=server.url)
    server.script(Reply("Supported."), Reply("unsupported"), Reply("unsure"), Reply("It is unsupported, I think"))
    opinions = [ask_judge(bot.answerer, "Bees dance.", "Bees can dance.") for _ in range(4)]
    assert opinions == [True, False, None, None]
