"""Extractive answers over the seed papers: every sentence is a quotation, and refusals are said."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chatbot import PaperChatbot, answerable, extract
from chatbot.answers import Answer, Draft, Sentence, cite
from chatbot.extract import grow
from chatbot.markup import defuse_markdown
from chatbot.questions import take_as
from chatbot.records import WORD_DIMENSIONS, Judgement, Paper
from tests.conftest import make_record
from tests.model_server import ModelServer

QUESTIONS = [
    "What is LiNeS?",
    "How does YOLOv9 keep information?",
    "What mIoU does FRNet reach on nuScenes?",
    "MAN vs AugLocal: how much GPU memory does each of the two save?",
    "Which papers study federated learning?",
    "code of A-MEM?",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_sentence_is_in_the_paper_it_cites(
    bot: PaperChatbot, seed_papers: dict[str, Paper], question: str
) -> None:
    answer = bot.ask(question)
    assert answer.status == "answered"
    by_number = {citation.number: citation for citation in answer.citations}
    for citation in answer.citations:
        assert seed_papers[citation.paper_id].text[citation.start : citation.end] == citation.quote
        assert f"[{citation.number}]" in answer.answer
    for sentence in answer.sentences:
        assert [by_number[number].quote for number in sentence.citations] == [sentence.text]
        assert sentence.verdict == "supported"
    assert len(set(answer.sentences)) == len(answer.sentences)


def test_json_form_is_the_documented_one(bot: PaperChatbot) -> None:
    record: dict[str, Any] = json.loads(json.dumps(bot.ask("What is LiNeS?", id="q1").to_dict()))
    assert list(record) == [
        "id", "question", "standalone_question", "status", "answer", "sentences", "withheld", "citations", "comparison",
        "retrieved", "confidence", "model", "notice", "usage", "timings_ms", "index", "settings", "prompts", "cut",
        "filter",
    ]  # fmt: skip
    assert set(record["sentences"][0]) == {"text", "citations", "verdict", "reason"}
    assert set(record["citations"][0]) == {
        "number", "paper_id", "title", "quote", "start", "end", "authors", "venue", "year", "url",
    }  # fmt: skip
    assert set(record["retrieved"][0]) == {"rank", "paper_id", "title", "score", "dense", "lexical", "fused"}
    assert set(record["timings_ms"]) == {"retrieve", "answer", "total"}
    assert "id" not in bot.ask("What is LiNeS?").to_dict()


def names(answer: Answer) -> list[str]:
    return list(dict.fromkeys(citation.title.split(":")[0] for citation in answer.citations))


def test_figures_links_and_definitions_are_picked(bot: PaperChatbot) -> None:
    assert "82.5%" in bot.ask("What mIoU does FRNet reach on nuScenes?").answer
    assert "github.com/Xiangxu-0103/FRNet" in bot.ask("link to the FRNet repo").answer
    assert "we introduce LiNeS" in bot.ask("What is LiNeS?").answer


def test_a_comparison_tells_both_sides_in_the_order_asked(bot: PaperChatbot) -> None:
    assert names(bot.ask("Compare FRUGAL with LiNeS")) == ["FRUGAL", "LiNeS"]
    assert names(bot.ask("Compare LiNeS with FRUGAL")) == ["LiNeS", "FRUGAL"]


def test_which_papers_lists_those_that_fit(bot: PaperChatbot) -> None:
    titles = {citation.title for citation in bot.ask("Which papers look for a Nash equilibrium?").citations}
    assert {title[:15] for title in titles} == {"Accelerating Na", "Graph Attention"}


def test_one_side_unknown_is_partial_and_said(bot: PaperChatbot) -> None:
    answer = bot.ask("Compare LiNeS with ZorbNet9")
    assert (answer.status, names(answer)) in [("partial", ["LiNeS"])]
    assert "ZorbNet9" in answer.answer


@pytest.mark.parametrize(
    "question",
    [
        "How do penguins keep their eggs warm?",
        "How does YOLOv10 remove suppression?",
        "tell me more",
        "and the second one?",
    ],
)
def test_what_the_papers_do_not_say_is_refused(bot: PaperChatbot, question: str) -> None:
    answer = bot.ask(question)
    assert (answer.status, answer.sentences, answer.citations) == ("abstained", (), ())


def test_a_refusal_names_what_is_missing_and_what_is_near(bot: PaperChatbot) -> None:
    answer = bot.ask("How does EvolveGAT attend to neighbours?")
    assert answer.status == "abstained"
    assert "Not found in them: “EvolveGAT”" in answer.answer
    assert "EvolveGCN" in answer.answer


def test_follow_ups_keep_to_their_paper(bot: PaperChatbot) -> None:
    answer = bot.ask("Is the code out?", history=["tell me about A-MEM"])
    assert "A-MEM" in answer.standalone_question
    assert "github.com/agiresearch/A-mem" in answer.answer
    answer = bot.ask("What does the second one use?", history=["Compare LiNeS with FRUGAL"])
    assert names(answer) == ["FRUGAL"]


def test_streaming_grows_to_the_whole_answer(bot: PaperChatbot) -> None:
    parts = [answer.answer for answer in bot.stream("What is LiNeS?")]
    assert len(parts) == len(bot.ask("What is LiNeS?").sentences) > 2
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(parts))
    assert parts[-1] == bot.ask("What is LiNeS?").answer


def test_an_answer_grows_past_what_a_quotation_numbers_itself() -> None:
    paper = Paper("p", "On bees", "Bees [2] sing. Bees dance. Bees rest.")
    said = "Bees [2] sing.", "Bees dance.", "Bees rest."
    sentences = tuple(Sentence(text, (number,), "supported") for number, text in enumerate(said, 1))
    quoted = " ".join(f"“{text}” [{number}]" for number, text in enumerate(said, 1))
    citations = tuple(cite(number, paper, text, 0, 1) for number, text in enumerate(said, 1))
    grown = [draft.text for draft in grow(Draft("answered", quoted, sentences, citations, 1.0))]
    assert [text.count("”") for text in grown] == [1, 2, 3]


def test_hostile_abstracts_stay_text(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    abstract = "We propose Zorbify. ![x](http://evil/a.png) <script>alert(1)</script> [click](http://evil). It sings."
    record = {"id": "h", "title": "Zorbify: <b>bold</b> ![t](http://evil/t.png)", "abstract": abstract}
    (folder / "h.jsonl").write_text(json.dumps(record))
    bot = PaperChatbot(index=folder / "index")
    bot.ingest(folder / "h.jsonl")
    answer = bot.ask("What is Zorbify?")
    for active in ("![", "](", "<script", "<b>"):
        assert active not in answer.answer
    assert all(citation.quote in abstract for citation in answer.citations)


def test_line_breaks_of_an_abstract_open_nothing_in_an_answer_and_stay_in_the_quote(
    tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    abstract = "We propose Zorbify, which\n# sings louder\n\n- than any\t choir of Zorbify."
    bot = PaperChatbot(index=tmp_path / "index")
    bot.ingest(write_jsonl({"id": "h", "title": "Zorbify", "abstract": abstract}))
    answer = bot.ask("What is Zorbify?")
    assert "“We propose Zorbify, which # sings louder - than any choir of Zorbify.” [1]" in answer.answer
    assert answer.citations[0].quote == abstract


def test_defusing_changes_plain_text_in_nothing() -> None:
    text = "Scores rise by 2.5\\% (p < 0.05) [1] on x_1*x_2 & y."
    assert defuse_markdown(text) == text


def test_a_name_that_no_paper_knows_gets_a_caveat_however_well_the_rest_fits(bot: PaperChatbot) -> None:
    question, _, matches = bot.read("What does FRNet propose for LiDAR segmentation?")
    chosen = extract.choose_papers(question, matches)
    assert answerable.judge(question, chosen, ()).outcome == "sure"
    assert answerable.judge(question, chosen, ["FRNet2"]).outcome == "doubtful"


@pytest.mark.parametrize(
    "question",
    [
        "What is YOLOv10?",  # though YOLOv9 is there
        "Which new parts does YOLOv10 bring in?",
        "What mIoU does FRNet reach on ScanNet?",
        "Which papers are about speech recognition?",
        "What GPUs did FRNet use?",
    ],
)
def test_what_papers_near_the_question_do_not_tell_is_refused(bot: PaperChatbot, question: str) -> None:
    assert bot.ask(question).status == "abstained"


def test_what_the_papers_lack_is_the_sum_of_the_words_they_do_not_cover(bot: PaperChatbot) -> None:
    question, _, matches = bot.read("What mIoU does FRNet reach on nuScenes?")
    (judged,) = answerable.judged_papers(question, extract.choose_papers(question, matches))
    pieces = np.eye(len(judged.starts), WORD_DIMENSIONS)
    measured = answerable.measure(question, [replace(judged, asked=pieces)], ())
    lacking = measured[answerable.FEATURES.index(answerable.LACKING[0]) :]
    np.testing.assert_allclose(lacking[: len(pieces)], 1 - judged.words.max(axis=0), atol=1e-6)
    assert not any(lacking[len(pieces) :])


def test_who_wrote_a_paper_and_when_its_record_tells(tmp_path: Path, write_jsonl: Callable[..., Path]) -> None:
    known = make_record(0, title="TurbNet: On tidal turbines", authors=["Ada King", "Bo Li"], year=2023, venue="Tides")
    bot = PaperChatbot(index=tmp_path / "index")
    bot.ingest(write_jsonl(known, make_record(1, title="BeeNet: On honey bees")))
    told = bot.ask("Who wrote TurbNet, and when was it published?")
    assert (told.status, told.citations[0].quote) == ("answered", "TurbNet: On tidal turbines")
    assert "is by Ada King, Bo Li, of 2023, as its record tells. [1]" in told.answer
    one = bot.ask("Who wrote TurbNet and who wrote BeeNet?")
    assert (one.status, "by Ada King" in one.answer, "the authors of BeeNet" in one.answer) == ("partial", True, True)
    bot.ingest(write_jsonl(make_record(2, title="AntNet: On ants", year=2020), name="ants.jsonl"))
    each = bot.ask("Who wrote TurbNet and AntNet, and when were they published?")
    assert (each.status, "by Ada King, Bo Li, of 2023" in each.answer) == ("partial", True)
    assert ("** is of 2020" in each.answer, "the authors of AntNet" in each.answer) == (True, True)
    for question, missing in (("Who wrote BeeNet?", "the authors of BeeNet"), ("Who wrote WaspNet?", "WaspNet")):
        refused = bot.ask(question)
        assert (refused.status, missing in refused.answer) == ("abstained", True)


def test_what_a_record_tells_is_not_asked_of_a_model(seed_index: Path, server: ModelServer) -> None:
    bot = PaperChatbot(index=seed_index, openai_base_url=server.url, model="openai:scripted")
    answer = bot.ask("Who wrote the FRNet paper?")
    assert (answer.status, answer.model, server.requests) == ("abstained", "extractive", [])
    assert "the authors of FRNet" in answer.answer


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (
            "When a differential equation is solved by several small networks, one per region, which choice is "
            "accuracy delicate to and who picks it automatically?",
            ["sensitive to the choice of the interface conditions"],
        ),
        (
            "Both papers on hypernetworks find a flaw in the existing ones. "
            "Which flaw, and what is the remedy in each?",
            ["proportionality", "Magnitude Invariant Parametrizations"],
        ),
    ],
)
def test_each_thing_that_is_asked_is_answered(bot: PaperChatbot, question: str, told: list[str]) -> None:
    answer = bot.ask(question).answer
    assert [words for words in told if words not in answer] == []


def test_what_is_asked_beside_a_record_is_answered_too(tmp_path: Path, write_jsonl: Callable[..., Path]) -> None:
    abstract = "We present Zyxq, which sorts honey by bees. Zyxq runs five times faster than a hive."
    paper = {"title": "Zyxq: Honey Sorting", "abstract": abstract, "authors": ["Ann Bee"], "year": 2024}
    bot = PaperChatbot(index=tmp_path / "index", model="extractive")
    bot.ingest(write_jsonl(paper))
    answer = bot.ask("What does Zyxq do, and who wrote it?")
    assert answer.status == "answered"
    assert "sorts honey by bees" in answer.answer
    assert "by Ann Bee" in answer.answer
    both = bot.ask("Give me the authors of Zyxq and how fast it runs.")
    assert ("five times faster" in both.answer, "by Ann Bee" in both.answer) == (True, True)
    missing = bot.ask("How fast does Zyxq run, and is there a link to its code?")
    assert missing.status == "partial"
    assert "five times faster" in missing.answer
    assert "a link" in missing.answer


def test_a_comparison_with_a_name_that_is_only_mentioned_says_what_is_missing(bot: PaperChatbot) -> None:
    for text in ("How does FRNet differ from LoRA?", "Unlike LoRA, what does FRNet bake?"):
        assert "tells of ." not in bot.ask(text).answer
    question, _, matches = bot.read("How does FRNet differ from LiDAR?")
    assert (question.kind, question.names, matches[0].named) == ("single", ("FRNet", "LiDAR"), True)
    question = take_as("compare", question)
    draft = extract.answer(question, matches, matches[:1], Judgement(0.1, "refused", ()))
    assert draft.status == "abstained"


def test_a_part_behind_all_that_the_model_reads_does_no_harm(bot: PaperChatbot) -> None:
    long = "Here is a story about segmentation. " * 50
    question, _, (best, *_) = bot.read(f"{long[:1800]} How does FRNet fuse frustums, and what mIoU does it reach?")
    assert len(question.parts) == 2
    assert best.order != tuple(range(len(best.spans)))
