"""The library: papers listed, added by hand, removed and brought back, by a program and by the command."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chromadb import Collection

from chatbot import PaperChatbot
from chatbot.embedding import load_embedder
from chatbot.errors import InputError
from chatbot.filters import join_filters, parse_filter, parse_words
from chatbot.index import PaperIndex, catalogue
from chatbot.library import Library
from chatbot.records import Listed
from tests.conftest import Run, make_record


@pytest.fixture
def shelf(tmp_path: Path, write_jsonl: Callable[..., Path]) -> PaperChatbot:
    bot = PaperChatbot(index=tmp_path / "index", model="extractive")
    bot.ingest(write_jsonl(*(make_record(n, year=2000 + n, authors=[f"Ann Smith{n}"]) for n in range(6))))
    return bot


@pytest.fixture
def library(bot: PaperChatbot, tmp_path: Path) -> Library:
    return Library(lambda: bot.index, load_embedder(bot.settings), tmp_path / "added")


def ids(bot: PaperChatbot) -> set[str]:
    return {paper.id for paper in bot.papers()}


def test_many_may_list_the_papers_at_once_after_a_change(shelf: PaperChatbot) -> None:
    with ThreadPoolExecutor(8) as pool:
        for _ in range(6):
            shelf.library.restore(shelf.library.remove(["p1"]))
            counts = pool.map(lambda _: len(shelf.library.list()), range(8))
            assert set(counts) == {6}


def test_a_change_is_seen_whoever_looks_for_changes_meanwhile(shelf: PaperChatbot) -> None:
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            shelf.index.refresh()

    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        try:
            for _ in range(6):
                removed = shelf.library.remove(["p1"])
                assert (len(shelf), len(shelf.library.list())) == (5, 5)
                shelf.library.restore(removed)
                assert (len(shelf), len(shelf.library.list())) == (6, 6)
        finally:
            done.set()
    assert [each.result() for each in looking] == [None, None]


def test_the_list_can_be_searched_and_filtered(shelf: PaperChatbot) -> None:
    def listed(text: str = "", filter: str = "year>=0") -> list[str]:
        wanted = join_filters("and", [parse_filter(filter), *parse_words(text)])
        return [each.paper.id for each in shelf.library.list(wanted)]

    assert len(listed()) == 6
    assert listed("BEES smith1") == ["p1"]
    assert listed("smith", "year<2002") == ["p0", "p1"]
    assert (listed("2001"), listed("1" * 5000)) == (["p1"], [])  # of more than 4300 digits, Python makes no number
    assert all(each.sources[0].endswith("papers.jsonl") for each in shelf.library.list())


def test_a_damaged_or_stale_list_is_made_anew(shelf: PaperChatbot, write_jsonl: Callable[..., Path]) -> None:
    assert len(shelf.library.list()) == 6
    (file,) = shelf.settings.index.glob("*/catalogue.jsonl")
    assert file.read_text().count("\n") == 7
    for text in ("", "{}", "[1]\n", file.read_text()[:-50]):
        file.write_text(text)
        assert len(PaperChatbot(index=shelf.settings.index).library.list()) == 6
    shelf.ingest(write_jsonl(make_record(9), name="more.jsonl"))
    assert len(shelf.library.list()) == 7


def test_a_removed_paper_is_gone_until_its_source_is_ingested_again(shelf: PaperChatbot, tmp_path: Path) -> None:
    before = shelf.index.manifest.fingerprint
    shelf.library.remove(["p1", "p3"])
    assert ids(shelf) == {"p0", "p2", "p4", "p5"} == {hit.paper.id for hit in shelf.search("honey bees")}
    assert shelf.ingest(tmp_path / "papers.jsonl").added == 2
    assert (len(shelf), shelf.index.manifest.fingerprint) == (6, before)


def test_a_removal_can_be_undone_and_leaves_no_trace(shelf: PaperChatbot) -> None:
    before, hits = shelf.library.list(), shelf.search("honey bees")
    fingerprint = shelf.index.manifest.fingerprint
    removed = shelf.library.remove(["p1", "p4"])
    shelf.library.restore(removed)
    assert sorted(shelf.library.list(), key=lambda each: each.paper.id) == list(before)
    # Vectors that are stored again may lie elsewhere, where the last digit of a sum is another.
    again = shelf.search("honey bees")
    assert [hit.score for hit in again] == pytest.approx([hit.score for hit in hits], abs=1e-6)
    assert [replace(hit, score=0) for hit in again] == [replace(hit, score=0) for hit in hits]
    assert PaperIndex(shelf.settings.index, shelf.index.manifest.embedding).manifest.fingerprint == fingerprint


def test_undoing_a_removal_leaves_alone_what_was_brought_in_since(
    shelf: PaperChatbot, write_jsonl: Callable[..., Path]
) -> None:
    removed = shelf.library.remove(["p1", "p4"])
    shelf.ingest(write_jsonl(make_record(1, venue="Nature"), name="more.jsonl"))
    shelf.library.restore(removed)
    (paper,) = shelf.library.find(["p1"])
    assert (paper.venue, len(shelf)) == ("Nature", 6)
    shelf.library.restore(removed)
    assert len(shelf) == 6


def test_papers_that_are_gone_are_not_found_among_those_looked_for(shelf: PaperChatbot) -> None:
    vector = shelf._embedder.embed_query("honey bees")
    assert shelf.index.nearest_passages(vector, 3, ["gone#0"]) == {}
    assert list(shelf.index.nearest_passages(vector, 3, ["gone#0", "p1#0"])) == ["p1"]


def test_no_passage_of_a_small_index_is_lost_with_the_ways_of_the_graph(
    shelf: PaperChatbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Collection, "query", lambda *_, **__: {"ids": [[]], "distances": [[]]})
    vector = shelf._embedder.embed_query("honey bees")
    found = shelf.index.nearest_passages(vector, 4)
    assert len(found) == 4
    assert found == dict(sorted(found.items(), key=lambda each: -each[1]))
    monkeypatch.setattr("chatbot.index.vectors.FEW_STORED", 5)
    assert shelf.index.nearest_passages(vector, 4) == {}
    assert shelf.index._vectors.nearest_passages(vector, 4, None, stored=0) == {}  # a write has begun since


def test_two_that_write_the_list_at_once_keep_their_drafts_apart(
    shelf: PaperChatbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    next(shelf.settings.index.glob("*/catalogue.jsonl")).unlink()
    write = catalogue._to_dict
    with monkeypatch.context() as patch:

        def write_late(listed: Listed) -> dict[str, Any]:
            patch.undo()
            assert len(PaperChatbot(index=shelf.settings.index).library.list()) == 6
            return write(listed)

        patch.setattr(catalogue, "_to_dict", write_late)
        assert len(PaperChatbot(index=shelf.settings.index).library.list()) == 6


def test_one_unknown_id_removes_nothing(shelf: PaperChatbot) -> None:
    with pytest.raises(InputError, match="no paper has the id “nobody”"):
        shelf.library.remove(["p1", "nobody"])
    assert len(ids(shelf)) == 6


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..\\..\\boot.ini", "/etc/shadow", "a\0b\n.bib", ".hidden", "", "x" * 500, "日本語.bib", ".."],
)
def test_what_is_added_by_hand_is_kept_below_the_index_under_a_harmless_name(
    library: Library, tmp_path: Path, name: str
) -> None:
    path = library.keep(name, b"content")
    assert path.parent == tmp_path / "added"
    assert path.resolve().parent == path.parent.resolve()
    assert path.read_bytes() == b"content"
    assert len(path.name.encode()) < 255
    assert path.name[0].isdigit()
    assert not set(path.name) & set("\0\n/\\ ")
    assert library.keep(name, b"content") != path


@pytest.mark.parametrize("content", [b"", b" \n", b"x" * 50_000_001], ids=["empty", "blank", "large"])
def test_nothing_and_too_much_are_refused(library: Library, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError):
        library.keep("x", content)
    assert not list(tmp_path.glob("added/*"))


def test_the_command_removes_after_asking(shelf: PaperChatbot, run: Run) -> None:
    index = shelf.settings.index
    refused = run("papers", "--remove", "p1", index=index, stdin="n\n")
    assert (refused.returncode, "part 1" in refused.stdout) == (1, True)
    assert "6 of 6 papers" in run("papers", index=index).stdout
    done = run("papers", "--remove", "p1", "--remove", "p2", "--yes", index=index).stdout
    assert "2 removed, 4 left; ingesting their source again brings them back" in done
    told = json.loads(run("papers", "--remove", "p3", "--json", index=index).stdout)
    assert told == {"removed": ["p3"], "papers": 3}
    missing = run("papers", "--remove", "p3", "--yes", index=index)
    assert (missing.returncode, "no paper has the id “p3”" in missing.stderr) == (1, True)
