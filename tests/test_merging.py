"""Papers met twice: one paper with the best of all records, for as long as any source has it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot import PaperChatbot
from chatbot.embedding import list_texts
from chatbot.embedding.minilm import MiniLM
from chatbot.identity import is_same
from chatbot.index import PaperIndex, Writer, verify
from chatbot.index.catalogue import CATALOGUE
from chatbot.index.metadata import hash_record
from chatbot.ingest import ingest
from chatbot.records import Paper, Record, Whole
from tests.conftest import Run, make_record
from tests.killed_ingest import IDENTITY, HashedWords

Write = Callable[..., Path]
SHORT = make_record(
    1, id="print", title="Honey Bees in Print", abstract="Bees dance.", doi="10.1000/bees", venue="Nature", year=2021
)
LONG = make_record(
    1,
    id="preprint",
    title="Honey bees: a preprint",
    abstract="Bees dance for food. We measured how far they point.",
    doi="10.1000/BEES",
    arxiv_id="2001.01234v2",
    authors=["Ada King", "Bo Li"],
)


@pytest.fixture
def bot(tmp_path: Path) -> PaperChatbot:
    return PaperChatbot(index=tmp_path / "index")


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the texts that were embedded, as they come."""
    texts, embed = list[str](), MiniLM.embed_papers

    def note(model: MiniLM, passages: Sequence[Whole]) -> Any:
        texts.extend(list_texts(passages))
        return embed(model, passages)

    monkeypatch.setattr(MiniLM, "embed_papers", note)
    return texts


def only(bot: PaperChatbot) -> Paper:
    (paper,) = bot.papers()
    return paper


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("order", [(SHORT, LONG), (LONG, SHORT)])
def test_the_richer_record_is_kept_and_filled_from_the_other(
    bot: PaperChatbot, write_jsonl: Write, order: tuple[dict[str, Any], ...], apart: bool
) -> None:
    groups = [[record] for record in order] if apart else [order]
    paths = [write_jsonl(*group, name=f"{number}.jsonl") for number, group in enumerate(groups)]
    report = bot.ingest(*paths)
    assert (report.added, report.merged, report.skipped, len(bot)) == (1, 1, [], 1)
    assert only(bot) == Paper(
        order[0]["id"], LONG["title"], LONG["abstract"], ("Ada King", "Bo Li"), "Nature", 2021,
        doi="10.1000/bees", arxiv_id="2001.01234",
    )  # fmt: skip
    assert [span.text for span in bot.index.spans([only(bot)])[order[0]["id"]]] == [
        "Bees dance for food.",
        "We measured how far they point.",
    ]
    again = bot.ingest(*paths)
    assert (again.unchanged, again.added, again.merged, again.removed) == (2, 0, 0, 0)


def test_the_closing_line_tells_what_was_merged(run: Run, write_jsonl: Write, tmp_path: Path) -> None:
    shown = run("ingest", str(write_jsonl(SHORT, LONG)), index=tmp_path / "index").stdout
    assert shown.startswith("1 added, 0 updated, 0 unchanged, 0 removed, 1 merged, 0 skipped; 1 papers in")


def test_nothing_is_embedded_twice(bot: PaperChatbot, embedded: list[str], write_jsonl: Write) -> None:
    paths = [write_jsonl(LONG, SHORT, make_record(2)), write_jsonl(SHORT, name="other.jsonl")]
    bot.ingest(*paths)
    assert len(embedded) == len(set(embedded)) > 0
    done = len(embedded)
    bot.ingest(*paths)
    assert len(embedded) == done
    bot.ingest(rebuild=True)
    done = len(embedded)
    assert bot.ingest(*paths).unchanged == 4
    bot.ingest(write_jsonl(LONG | {"venue": "arXiv"}, name="third.jsonl"))
    assert len(embedded) == done


def test_a_paper_stays_until_its_last_source_drops_it(bot: PaperChatbot, write_jsonl: Write) -> None:
    first, second = write_jsonl(SHORT, make_record(2)), write_jsonl(LONG, make_record(3), name="b.jsonl")
    bot.ingest(first, second)
    assert bot.ingest(write_jsonl(make_record(2))).removed == 0
    paper = bot.paper("print")
    assert paper is not None
    assert (paper.abstract, paper.venue, paper.year) == (LONG["abstract"], "", None)
    assert bot.ingest(second).unchanged == 2
    assert bot.ingest(write_jsonl(make_record(3), name="b.jsonl")).removed == 1
    assert {paper.id for paper in bot.papers()} == {"p2", "p3"}


def test_a_changed_record_changes_the_paper_or_leaves_it(bot: PaperChatbot, write_jsonl: Write) -> None:
    first, second = write_jsonl(SHORT), write_jsonl(LONG, name="b.jsonl")
    bot.ingest(first, second)
    bot.ingest(write_jsonl(LONG | {"abstract": "Bees point to food, we find now."}, name="b.jsonl"))
    assert only(bot).abstract == "Bees point to food, we find now."
    other = make_record(4, id="preprint", title="Another paper altogether", doi="10.1000/other")
    report = bot.ingest(write_jsonl(other, name="b.jsonl"))
    assert (report.added, report.removed, len(bot)) == (1, 0, 2)
    assert (bot.paper("print") or only(bot)).abstract == "Bees dance."
    assert bot.ingest(write_jsonl(other, name="b.jsonl")).unchanged == 1


def test_a_record_that_ties_two_papers_makes_them_one(bot: PaperChatbot, write_jsonl: Write) -> None:
    print_only = make_record(1, id="a", title="Bees", doi="10.1000/bees")
    preprint_only = make_record(2, id="b", title="Dances", arxiv_id="2001.01234")
    first, second = write_jsonl(print_only), write_jsonl(preprint_only, make_record(3), name="b.jsonl")
    bot.ingest(first, second)
    assert len(bot) == 3
    bot.ingest(write_jsonl(LONG, name="c.jsonl"))
    assert {paper.id for paper in bot.papers()} == {"a", "p3"}
    assert [bot.ingest(path).unchanged for path in (first, second)] == [1, 2]
    assert len(bot) == 2


def test_records_with_one_text_fill_each_other_unless_identifiers_tell_them_apart(
    bot: PaperChatbot, write_jsonl: Write
) -> None:
    same = {"title": "Editorial", "abstract": "No abstract available."}
    bot.ingest(write_jsonl(same, same | {"venue": "Nature", "year": 2021, "doi": "10.1000/a"}))
    assert (only(bot).id, only(bot).venue, only(bot).year, only(bot).doi) == ("editorial", "Nature", 2021, "10.1000/a")
    for name in "bcd":
        bot.ingest(write_jsonl(same | {"doi": f"10.1000/{name}"}, name=name))
    assert {paper.doi[-1] for paper in bot.papers()} == {*"abcd"}


def test_a_record_whose_paper_joins_one_that_joins_another_is_kept(bot: PaperChatbot, write_jsonl: Write) -> None:
    records = [
        make_record(1, id="a", venue="Nature"),
        make_record(2, id="b", arxiv_id="2001.01234"),
        make_record(1, id="a-b", arxiv_id="2001.01234"),
        make_record(3, id="c", doi="10.1000/c"),
        make_record(4, id="b-c", doi="10.1000/c", arxiv_id="2001.01234"),
    ]
    bot.ingest(write_jsonl(*records))
    assert (only(bot).id, only(bot).venue) == ("c", "Nature")


def test_a_record_is_kept_whose_paper_joins_another_and_leaves_its_id_to_a_third(
    bot: PaperChatbot, write_jsonl: Write
) -> None:
    records = [
        make_record(1, id="x", venue="Nature"),
        make_record(2, id="b", arxiv_id="2001.01234"),
        make_record(1, id="a-b", arxiv_id="2001.01234"),
        make_record(3, id="a"),
    ]
    bot.ingest(write_jsonl(make_record(1, id="a")), write_jsonl(*records, name="b.jsonl"))
    assert {paper.venue for paper in bot.papers()} == {"Nature", ""}


@pytest.mark.parametrize("first", [0, 2])
def test_a_record_without_identifiers_does_not_bring_two_papers_together(
    bot: PaperChatbot, write_jsonl: Write, first: int
) -> None:
    same = {"title": "A Survey of Bees", "authors": ["Ann Smith"], "year": None}
    dois = {"none": "", "a": "10.1000/a", "b": "10.1000/b"}
    records = [make_record(n, id=name, doi=doi, **same) for n, (name, doi) in enumerate(dois.items())]
    records.insert(first, records.pop(0))
    bot.ingest(write_jsonl(*records))
    assert len(bot) == 2


def test_an_index_made_before_identifiers_opens_and_learns_them(
    bot: PaperChatbot, write_jsonl: Write, tmp_path: Path
) -> None:
    path = write_jsonl(make_record(1, doi="10.1000/bees"))
    bot.ingest(path)
    store = bot.index._vectors._passages
    old = store.get(ids=["p1#0"])["metadatas"][0]
    digest = hash_record(replace(only(bot), doi=""))
    changes = {"doi": None, "arxiv_id": None, "records": None, "record_hash": digest}
    store.update(ids=["p1#0"], metadatas=[old | changes])
    (bot.index.place.derived(bot.index.manifest.store) / CATALOGUE).unlink()
    reopened = PaperChatbot(index=tmp_path / "index")
    assert only(reopened).doi == ""
    assert reopened.ingest(path).updated == 1
    assert only(reopened).doi == "10.1000/bees"


RECORDS = [
    make_record(number, id=key, **more)
    for number in (1, 2)
    for key in ("p1", "p2", "p3")
    for more in ({}, {"doi": "10.1000/x"}, {"doi": "10.1000/y"}, {"arxiv_id": "2410.00001", "doi": "10.1000/x"})
]
FILES = st.lists(st.sampled_from(RECORDS), min_size=1, max_size=5, unique_by=lambda record: record["id"])


@example([{"a": [RECORDS[4], RECORDS[1]], "b": [RECORDS[10]]}, {"a": [RECORDS[4]]}, {"a": [RECORDS[4]]}])
@settings(max_examples=6)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), FILES, min_size=1), min_size=2, max_size=4))
def test_papers_that_are_passed_over_as_unchanged_end_as_if_they_had_been_looked_at(
    ingests: list[dict[str, list[dict[str, Any]]]],
) -> None:
    with TemporaryDirectory() as scratch:
        folder, reports = Path(scratch), list[list[str]]()
        for name in ("quick", "thorough"):
            index = PaperIndex.create(folder / name, IDENTITY)
            with pytest.MonkeyPatch.context() as patch:
                if name == "thorough":
                    patch.setattr(Writer, "had", lambda *_: set())
                reports.append([_ingest_files(index, folder, files) for files in ingests])
        quick, thorough = (PaperIndex(folder / name, IDENTITY) for name in ("quick", "thorough"))
        assert _papers(quick) == _papers(thorough)
        assert reports[0] == reports[1]
        assert verify(folder / "quick") == []


def _ingest_files(index: PaperIndex, folder: Path, files: dict[str, list[dict[str, Any]]]) -> str:
    for name, records in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return ingest(index, HashedWords(), [(name, folder / f"{name}.jsonl") for name in files]).counts


def _papers(index: PaperIndex) -> dict[str, tuple[Paper, list[Record]]]:
    return {entry.paper.id: (entry.paper, list(entry.records)) for page in index.entries() for entry in page}


BEES = {"title": "How Honey-Bees Dance", "abstract": "Bees dance for food in the hive."}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"year": 2020}, {"title": "How honey bees dance.", "year": 2022}, True),
        ({"year": 2020}, {"year": 2020, "abstract": "Something else."}, True),
        ({"year": 2018}, {"year": 2022, "abstract": "Bees dance for food."}, False),
        ({}, {"abstract": "We find: bees dance for food in the hives."}, True),
        ({}, {"abstract": "Something else."}, False),
        ({"authors": ("King, A.",)}, {"authors": ("Ada King", "B. Li"), "abstract": "Something else."}, True),
        ({"authors": ("Ada King",)}, {"authors": ("Bo Li",), "abstract": "Other."}, False),
        ({"doi": "10.1000/1"}, {"doi": "10.1000/2"}, False),
        ({"doi": "10.1000/1"}, {"doi": "10.48550/arxiv.2001.01234", "arxiv_id": "2001.01234"}, True),
        ({"arxiv_id": "2001.01234"}, {"arxiv_id": "2001.01235"}, False),
        ({"title": "Editorial", "year": 2020}, {"title": "Editorial", "year": 2020, "abstract": "Other."}, False),
        ({"arxiv_id": "2001.01234"}, {"title": "New title", "arxiv_id": "2001.01234", "year": 1999}, True),
    ],
)
def test_what_makes_two_records_one_paper(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    papers = [Paper(id="", **json.loads(json.dumps(BEES | changes))) for changes in (one, other)]
    assert is_same(papers[0], papers[1]) == is_same(papers[1], papers[0]) == same
