"""Several who share an index on a Chroma server: readers, pages, writers, and indexes that lie apart.

The server is a real one; a folder of its own stands for each machine.
"""

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from chatbot import PaperChatbot
from chatbot.errors import IndexAway, IndexBusy, IndexMissing
from chatbot.index import PaperIndex, Server, find_place, lease, verify
from chatbot.index.vectors import VectorStore
from chatbot.ingest import ingest
from tests import forked
from tests.chroma_server import ChromaProcess
from tests.conftest import make_record
from tests.killed_ingest import IDENTITY, HashedWords, bring_in
from tests.test_api import call
from tests.test_public import serving


@pytest.fixture
def server(chroma: ChromaProcess, request: pytest.FixtureRequest) -> Server:
    """An index of its own for each test."""
    return chroma.index(request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-"))


def test_a_reader_on_another_machine_notices_what_is_added_changed_and_removed(
    tmp_path: Path, source: Path, server: Server, write_jsonl: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in(tmp_path / "writer", source, server)
    reader = PaperIndex(tmp_path / "reader", IDENTITY, server)
    assert (len(reader), {each.paper.id for each in reader.listed()}) == (6, {f"p{n}" for n in range(6)})
    changed = make_record(1, title="On bumble bees"), make_record(9, title="On lighthouses")
    bring_in(tmp_path / "writer", write_jsonl(make_record(0), *changed), server)
    assert not reader.match_words("lighthouses", 5)[0]
    reader.refresh()
    assert (len(reader), {each.paper.id for each in reader.listed()}) == (3, {"p0", "p1", "p9"})
    assert [list(reader.match_words(word, 5)[0]) for word in ("lighthouses", "bumble", "glacier")] == [
        ["p9"],
        ["p1"],
        [],
    ]
    bring_in(tmp_path / "writer", write_jsonl(make_record(0), make_record(1, title="On carpenter bees")), server)
    reader.refresh()
    assert [each.paper.title for each in reader.listed()] == ["On tidal turbines, part 0", "On carpenter bees"]
    assert [list(reader.match_words(word, 5)[0]) for word in ("lighthouses", "carpenter")] == [[], ["p1"]]
    assert verify(tmp_path / "reader", server) == []
    monkeypatch.delattr(VectorStore, "abstract_vectors")  # nor are their vectors fetched one question at a time
    assert set(reader.abstract_vectors(["p0", "p1", "p9"])) == {"p0", "p1"}


def test_two_that_write_from_different_machines_are_kept_apart(
    tmp_path: Path, source: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (PaperIndex.create(tmp_path / name, IDENTITY, server) for name in ("first", "second"))
    clock = time.time
    for skew in (0, 86_400, -86_400):  # seconds by which the clock of the second is wrong
        with first.write():
            monkeypatch.setattr(time, "time", lambda skew=skew: clock() + skew)
            with pytest.raises(IndexBusy, match=r"first is writing to the Chroma server .* try again"):
                ingest(second, HashedWords(), [("papers", source)])
            monkeypatch.setattr(time, "time", clock)
    monkeypatch.setattr(lease, "_LEASE", 0)
    monkeypatch.setattr(lease, "_RENEWAL", 0)

    def write_for_too_long() -> None:
        with first.write() as writer:
            ingest(second, HashedWords(), [("papers", source)])  # because the first was silent for so long
            with pytest.raises(IndexBusy, match="another one writes now"):
                writer.remove(["p1"])

    with pytest.raises(IndexBusy, match="another one writes now"):
        write_for_too_long()
    third = PaperIndex(tmp_path / "third", IDENTITY, server)
    assert (len(third), third.manifest.generation) == (6, second.manifest.generation)


def test_of_two_that_take_over_one_lease_the_first_gives_way(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = find_place(tmp_path, server)._client  # type: ignore[attr-defined]
    ended, first, second = (lease.Lease(client, f"{server.name}.writer", name) for name in ("ended", "first", "second"))
    monkeypatch.setattr(lease, "_LEASE", 0)
    ended.take("there")

    def take_late(_: float) -> None:
        """Do what the second does that saw the ended lease before the first took it."""
        client.delete_collection(f"{server.name}.writer")
        monkeypatch.setattr(time, "sleep", lambda _: None)
        second.take("there")

    monkeypatch.setattr(time, "sleep", take_late)
    with pytest.raises(IndexBusy, match="just begun to write to there"):
        first.take("there")
    first.give_back()
    second.renew()


def test_indexes_of_one_name_lie_apart_in_tenants_and_databases(
    tmp_path: Path, chroma: ChromaProcess, source: Path, write_jsonl: Callable[..., Path]
) -> None:
    chroma.make_database("laboratory", "library")
    here: dict[str, Any] = {"chroma_url": chroma.url, "chroma_name": "apart"}
    there = here | {"chroma_tenant": "laboratory", "chroma_database": "library"}
    PaperChatbot(index=tmp_path / "there", **there).ingest(source)
    with pytest.raises(IndexMissing, match="there is no index “apart”"):
        len(PaperChatbot(index=tmp_path / "here", **here))
    PaperChatbot(index=tmp_path / "here", **here).ingest(write_jsonl(make_record(9)))
    assert [len(PaperChatbot(index=tmp_path / "again", **place)) for place in (here, there)] == [1, 6]
    with pytest.raises(IndexAway, match=r"CHATBOT_CHROMA_TENANT and CHATBOT_CHROMA_DATABASE have to name") as caught:
        len(PaperChatbot(index=tmp_path / "nowhere", **here | {"chroma_tenant": "nobody"}))
    assert "\n" not in str(caught.value)


def test_two_pages_answer_while_another_process_ingests(
    tmp_path: Path, chroma: ChromaProcess, write_jsonl: Callable[..., Path]
) -> None:
    settings = {"CHATBOT_CHROMA_URL": chroma.url, "CHATBOT_CHROMA_NAME": "shared"}
    first, all_of_them = [write_jsonl(*map(make_record, range(n)), name=f"{n}.jsonl") for n in (6, 36)]
    ingest_it = [sys.executable, "-c", forked.INGEST, str(tmp_path / "writer")]
    forked.run([*ingest_it, str(first)], env=os.environ | settings).check_returncode()
    question = "What is studied in “On glacier melt, part 20”?"
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        pages = [stack.enter_context(serving(tmp_path / name, **settings)) for name in ("one", "two")]

        def watch(url: str) -> list[str]:
            """Ask until the new paper is there; each answer is about papers that are."""
            told = list[str]()
            while not told or "glacier melt in experiment 20" not in told[-1]:
                kind, answer = call(url, "ask_papers", question)
                assert kind == "complete"
                told.append(answer["answer"])
            return told

        assert [call(page, "get_paper", "p20")[0] for page in pages] == ["error", "error"]
        watched = [pool.submit(watch, page) for page in pages]
        forked.run([*ingest_it, str(all_of_them)], env=os.environ | settings).check_returncode()
        assert [len(each.result(timeout=100)) > 1 for each in watched] == [True, True]
