"""The comparison with peers, on peers made up here: no network, and nothing installed for them."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from chatbot.errors import InputError
from evals.peers.environments import Environment, Peer
from evals.peers.papers import Collection, gather_collections
from evals.peers.plots import draw_plots
from evals.peers.ratios import MEASURES, compare, compare_ndcg
from evals.peers.rounds import Measured, measure_peer, read_records, run_rounds
from evals.peers.tables import format_tables

RUNNER = """
import json, os
def load(model, folder):
    LOADING
    return folder
def ingest(folder, papers):
    os.makedirs(folder)
    json.dump(papers, open(folder + "/papers", "w"))
def search(folder, query, top_k):
    papers = json.load(open(folder + "/papers"))
    return [paper["id"] for paper in papers if query in paper["text"]][:top_k]
def answer(folder, question):
    ANSWERING
"""
CITED = 'return ("It is so. [1]", ["a"])'
ENVIRONMENT = Environment(sys.executable, "model", (), 12.0, 345.0, {"torch": "2.13.0"})
INGEST, P50 = (next(one for one in MEASURES if one.name == name) for name in ("ingest_rate", "p50_ms"))
MakePeer = Callable[..., Peer]


@pytest.fixture
def make_peer(tmp_path: Path) -> MakePeer:
    def make(name: str, loading: str = "pass", answering: str = CITED) -> Peer:
        path = tmp_path / f"{name}.py"
        path.write_text(RUNNER.replace("LOADING", loading).replace("ANSWERING", answering))
        return Peer(name, name.title(), path, ())

    return make


@pytest.fixture
def collection() -> Collection:
    papers = [{"id": key, "title": word, "abstract": "", "text": word} for key, word in (("a", "bees"), ("b", "trams"))]
    return Collection("tiny", papers, {"1": "bees", "2": "trams"}, {"1": {"a": 1}, "2": {"a": 1}}, "Are bees bees?")


def record(number: int, peer: str, rate: float, query: float) -> Measured:
    values = {"ingest_rate": rate, "p50_ms": query}
    return Measured(number, "tiny", 2, peer, (1.0, 2.0), values, {"1": 1.0, "2": 0.5 if peer == "ours" else 0.25})


def test_a_peer_is_measured_in_processes_of_its_own(
    make_peer: MakePeer, collection: Collection, tmp_path: Path
) -> None:
    measured = measure_peer(make_peer("good"), ENVIRONMENT, collection, tmp_path / "scratch")
    assert measured.error == measured.unanswered == ""
    assert {measure.name for measure in MEASURES} | {"answer_s"} == set(measured.values)
    assert min(measured.values.values()) > 0
    assert measured.ndcg == {"1": 1.0, "2": 0.0}
    assert not (tmp_path / "scratch").exists()


def test_a_peer_that_needs_a_key_is_measured_but_for_its_answer(
    make_peer: MakePeer, collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted")
    peer = make_peer("keyed", answering='raise ValueError("no key, or " + os.environ["OPENAI_API_KEY"])')
    measured = measure_peer(peer, ENVIRONMENT, collection, tmp_path / "scratch")
    assert measured.unanswered == "KeyError: 'OPENAI_API_KEY'"
    assert measured.values["ingest_rate"] > 0
    assert "answer_s" not in measured.values


@pytest.mark.parametrize(
    ("loading", "said"),
    [
        ('raise ValueError("no such\\nmodel")', "ValueError: no such model"),
        ("os._exit(3)", "exit code 3: no message"),
        ("import tables", "No module named 'tables'"),  # not the module of that name beside the harness
    ],
)
def test_a_peer_that_fails_is_recorded_with_its_message(
    make_peer: MakePeer, collection: Collection, tmp_path: Path, loading: str, said: str
) -> None:
    measured = measure_peer(make_peer("bad", loading), ENVIRONMENT, collection, tmp_path / "scratch")
    assert said in measured.error
    assert not measured.values


def test_a_peer_whose_installation_failed_is_recorded_too(
    make_peer: MakePeer, collection: Collection, tmp_path: Path
) -> None:
    broken = Environment("nowhere", "", (), 0, 0, {}, "No matching distribution found")
    assert "No matching" in measure_peer(make_peer("good"), broken, collection, tmp_path / "scratch").error


def test_an_uncited_answer_is_none(make_peer: MakePeer, collection: Collection, tmp_path: Path) -> None:
    peer = make_peer("vague", answering='return ("Perhaps.", [])')
    assert "cites nothing" in measure_peer(peer, ENVIRONMENT, collection, tmp_path / "scratch").unanswered


def test_rounds_take_turns_and_a_run_goes_on_where_it_was(
    make_peer: MakePeer, collection: Collection, tmp_path: Path
) -> None:
    peers = [(make_peer(name), ENVIRONMENT) for name in ("ours", "other")]
    told: list[Measured] = []
    run_rounds(tmp_path / "work", peers, [collection], 1, told.append)
    run_rounds(tmp_path / "work", peers, [collection], 2, told.append)
    assert [(one.round, one.peer) for one in told] == [(0, "ours"), (0, "other"), (1, "other"), (1, "ours")]
    assert read_records(tmp_path / "work") == told


def test_what_failed_is_tried_again(make_peer: MakePeer, collection: Collection, tmp_path: Path) -> None:
    broken = Environment("nowhere", "", (), 0, 0, {}, "No matching distribution found")
    (first,) = run_rounds(tmp_path / "work", [(make_peer("good"), broken)], [collection], 1)
    (second,) = run_rounds(tmp_path / "work", [(make_peer("good"), ENVIRONMENT)], [collection], 1)
    assert (bool(first.error), second.error) == (True, "")


def test_a_ratio_is_taken_within_rounds_and_says_how_far_this_program_is_ahead() -> None:
    records = [
        record(0, "ours", 40, 10),
        record(0, "other", 20, 30),
        record(1, "ours", 8, 30),
        record(1, "other", 2, 30),
    ]
    ahead = compare(records, "other", INGEST)
    assert ahead is not None
    assert ahead.rounds == 2
    assert ahead.mean == pytest.approx(math.sqrt(8))
    # Half the distance of two logarithms is their standard error; t at 97.5% with one degree of freedom is 12.706.
    assert ahead.high == pytest.approx(math.exp(math.log(8) / 2 + 12.7062 * math.log(2) / 2), rel=1e-4)
    slower = compare(records, "other", P50)
    assert slower is not None
    assert slower.mean == pytest.approx(math.sqrt(3))


def test_one_round_gives_no_interval_and_a_lone_peer_no_ratio() -> None:
    records = [record(0, "ours", 40, 10), record(0, "other", 20, 30), record(1, "other", 20, 30)]
    assert compare(records, "other", INGEST) == (2.0, None, None, 1)
    assert compare(records[2:], "other", INGEST) is None


def test_ndcg_is_compared_query_by_query() -> None:
    records = [record(0, "ours", 40, 10), record(0, "other", 20, 30)]
    above = compare_ndcg(records, "other")
    assert above is not None
    assert -1 <= above.low <= 0.125 <= above.high <= 1


def test_tables_tell_ratios_conventions_and_failures() -> None:
    built = [(Peer(name, name.title(), Path(), ()), ENVIRONMENT) for name in ("ours", "other", "bad")]
    records = [record(0, "ours", 40, 10), record(0, "other", 20, 20), Measured(0, "tiny", 2, "bad", error="it | broke")]
    text = format_tables(built, records)
    assert "| Ours | torch 2.13.0 | 345 | 12 |" in text
    assert "| ingest (abstracts/s) | 40 | 2.00 | – |" in text
    assert "| query p50 (ms) | 10 | 2.00 | – |" in text
    assert "| nDCG@10 itself, and what this program is above it | 0.750 | 0.625 (" in text
    assert "Bad failed: `it / broke`" in text
    assert "title once" in text
    assert "load average 0.0 to 2.0" in text


def test_a_plot_is_drawn_for_each_collection(tmp_path: Path) -> None:
    rounds = [(n, 40.0 + n) for n in range(2)]
    records = [record(n, "ours", rate, 10) for n, rate in rounds] + [
        record(n, "paper_qa", 20, 9 + n) for n, _ in rounds
    ]
    (path,) = draw_plots(records, tmp_path)
    picture = ElementTree.fromstring(path.read_text())
    assert [dot.get("class") for dot in picture.iter("{http://www.w3.org/2000/svg}g") if dot.get("class")] == [
        "ahead",
        "unsure",
    ]
    assert path.name == "peers-tiny-2.svg"


def test_a_beir_collection_is_measured_as_a_whole_beside_seeds(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"_id": "7", "title": "Bees", "text": "Bees dance."}) + "\n")
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "dancing"}) + "\n")
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t7\t2\n")
    judged, seeds = gather_collections([5], tmp_path, None)
    assert (len(judged.papers), judged.queries, judged.qrels) == (1, {"q": "dancing"}, {"q": {"7": 2}})
    assert judged.papers[0]["text"] == "Bees\nBees dance."
    assert (seeds.name, len(seeds.papers), bool(seeds.question)) == ("seeds", 5, True)


def test_more_papers_than_there_are_is_refused(write_jsonl: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="give --papers"):
        gather_collections([60], None, None)
    papers = write_jsonl(*({"title": f"T{n}", "abstract": f"Abstract {n}."} for n in range(61)))
    assert [len(one.papers) for one in gather_collections([60], None, papers)] == [60]
    with pytest.raises(InputError, match="papers has 61 papers"):
        gather_collections([62], None, papers)
