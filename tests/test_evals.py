"""The measuring tools: right on cases worked out by hand, and the committed questions are sound."""

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.errors import InputError
from evals.answers import abstention_auc, ask_samples, score_answer, summarise
from evals.baseline import ask_baseline
from evals.calibrate import PAIRS, TRAINING
from evals.latency import measure_latency
from evals.questions import Fact, Sample, load_questions
from evals.retrieval import evaluate_retrieval
from evals.speed import measure_command, measure_speed
from tests.conftest import make_record


def test_pairs_are_balanced() -> None:
    pairs = [json.loads(line) for line in PAIRS.read_text().splitlines()]
    assert Counter(pair["answerable"] for pair in pairs) == {True: 80, False: 80}


def test_scores_of_a_known_answer(bot: PaperChatbot) -> None:
    answer = bot.ask("What is LiNeS?")
    lines = answer.citations[0].paper_id
    facts = (Fact("a", ("we introduce LiNeS",), ()), Fact("b", ("never said",), ()))
    sample = Sample("x", "lookup", "dev", ("What is LiNeS?",), (lines, "other"), facts, "answered")
    score = score_answer(sample, answer)
    assert (score.fact_recall, score.first_paper, score.paper_recall, score.paper_precision) == (0.5, 1.0, 0.5, 1.0)
    refused = score_answer(replace(sample, papers=(), facts=(), expected="abstained"), answer)
    assert (refused.fact_recall, refused.first_paper, refused.right_status) == (None, None, 0.0)
    assert math.isnan(summarise([refused])["all"]["fact_recall"])


def test_answers_to_development_questions_stay_good(bot: PaperChatbot) -> None:
    samples = [sample for sample in load_questions(split="dev") if not sample.carrier]
    scores = ask_samples(bot, samples)
    table, naive = summarise(scores), summarise(ask_baseline(bot, samples))
    for kind in ("single", "compare", "which"):
        assert table[kind]["fact_recall"] > naive[kind]["fact_recall"] + 0.1
    assert table["single"]["fact_recall"] >= 0.60
    assert table["single"]["first_paper"] >= 0.93
    assert table["which"]["paper_recall"] >= 0.75
    assert abstention_auc(scores) >= 0.82


def test_training_questions_mark_sentences_of_the_papers_they_name() -> None:
    records = [json.loads(line) for line in TRAINING.read_text().splitlines()]
    assert len({record["id"] for record in records}) == len(records) > 800
    for record in records:
        assert set(record["evidence"]) == set(record["papers"])
        assert bool(record["papers"]) != (record["type"] == "unanswerable")
        for facts in record["evidence"].values():
            assert all(start < end for fact in facts for start, end in fact)


def test_retrieval_is_measured_on_a_beir_folder(tmp_path: Path) -> None:
    subjects = {"d1": "tidal turbines", "d2": "honey bees", "d3": "opera singing"}
    corpus = [{"_id": key, "title": value, "text": f"A text about {value}."} for key, value in subjects.items()]
    queries = [
        {"_id": "q1", "text": "bees that make honey"},
        {"_id": "q2", "text": "singing"},
        {"_id": "q3", "text": "x"},
    ]
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (tmp_path / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td2\t1\nq2\td1\t1\nq2\td3\t0\nq3\td1\t0\n"
    )
    result = evaluate_retrieval(tmp_path, tmp_path / "index")
    assert (result.papers, result.queries) == (3, 2)  # q3 has no relevant paper and does not count
    assert 0.5 < result.measures["all"]["nDCG@10"] < 1
    assert result.measures["all"]["recall@10"] == 1
    assert result.measures["BM25"]["recall@10"] == 0.5
    with pytest.raises(InputError, match="BEIR layout"):
        evaluate_retrieval(tmp_path / "none", tmp_path / "index")


def test_speed_is_measured(bot: PaperChatbot) -> None:
    result = measure_speed(bot, queries=5)
    assert 0 < result.embed_p50 <= result.embed_p95
    assert result.search_p50 <= result.search_p95


def test_what_checking_adds_is_measured_over_http(seed_index: Path) -> None:
    result = measure_latency(seed_index, answers=3)
    assert (result.answers, result.pause) == (3, 0)
    assert 0 < result.p50 <= result.p95 < 1000
    slow = measure_latency(seed_index, answers=1, pause=30)
    assert slow.p50 > 30  # the model's next word is waited for


def test_latency_of_no_papers_is_not_measured(tmp_path: Path, write_jsonl: Callable[..., Path]) -> None:
    PaperChatbot(index=tmp_path / "index").ingest(write_jsonl(make_record(1)))
    with pytest.raises(InputError, match="give --index a folder with papers"):
        measure_latency(tmp_path / "index", answers=1)


def test_the_command_is_measured_against_its_imports(seed_index: Path, tmp_path: Path) -> None:
    result = measure_command(seed_index, "What is LiNeS?", runs=1)
    assert 0 < result.imports < result.ask
    assert result.low == result.high == result.ratio
    with pytest.raises(InputError, match=r"-m chatbot failed: error: .*run: chatbot ingest"):
        measure_command(tmp_path / "none", "What is LiNeS?", runs=1)
