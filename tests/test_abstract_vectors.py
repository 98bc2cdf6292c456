"""The file of the abstracts' vectors: it tells what the store does, or is not read."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from chatbot import PaperChatbot
from chatbot.index import PaperIndex, verify
from chatbot.index.abstracts import ABSTRACTS
from chatbot.index.vectors import VectorStore
from chatbot.upkeep import repair
from tests.conftest import ids, make_record

Write = Callable[..., Path]


@pytest.fixture
def file(filled: PaperChatbot) -> Path:
    (found,) = filled.index.folder.glob(f"*/{ABSTRACTS}")
    return found


def assert_as_stored(index: PaperIndex) -> None:
    stored = index._vectors.abstract_vectors(sorted(index._vectors.paper_ids()))
    told = index.abstract_vectors([*stored, "none such"])
    assert told.keys() == stored.keys()
    assert all(np.array_equal(told[key], stored[key]) for key in stored)


def forbid_store(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the store was asked")

    monkeypatch.setattr(VectorStore, "abstract_vectors", refuse)


def test_the_file_is_read_in_place_of_the_store(filled: PaperChatbot, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_as_stored(filled.index)
    forbid_store(monkeypatch)
    assert filled.index.abstract_vectors(["p1", "p2"])["p1"].shape == (3, 384)  # the passage and two sentences
    assert filled.index.abstract_vectors([]) == {}


def test_every_write_brings_it_up(filled: PaperChatbot, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = PaperChatbot(index=filled.index.folder)
    before = reader.index.abstract_vectors(["p1"])["p1"]
    changed = make_record(1, abstract="Bumble bees sleep. They dance. They sting.")
    filled.ingest(write_jsonl(make_record(0), changed, make_record(7)))
    assert ids(filled) == {"p0", "p1", "p7"}
    assert_as_stored(filled.index)
    reader.index.refresh()
    assert_as_stored(reader.index)
    forbid_store(monkeypatch)
    assert reader.index.abstract_vectors(["p1"])["p1"].shape != before.shape


@pytest.mark.parametrize("damage", ["missing", "garbage", "cut off", "behind"])
def test_without_the_file_the_store_is_asked_and_the_next_write_makes_it(
    filled: PaperChatbot, file: Path, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    whole = file.read_bytes()
    if damage == "missing":
        file.unlink()
    elif damage == "behind":
        filled.ingest(write_jsonl(make_record(9), name="more.jsonl"))
        file.write_bytes(whole)
    else:
        file.write_bytes(b"garbage" * 2000 if damage == "garbage" else whole[:9000])
    again = PaperChatbot(index=filled.index.folder)
    assert_as_stored(again.index)
    again.ingest(write_jsonl(make_record(8), name="another.jsonl"))
    assert_as_stored(again.index)
    forbid_store(monkeypatch)
    assert "p8" in again.index.abstract_vectors(["p8"])


def test_while_the_file_is_brought_up_the_store_is_asked_at_once(filled: PaperChatbot, file: Path) -> None:
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        assert_as_stored(filled.index)
        assert_as_stored(PaperChatbot(index=filled.index.folder).index)
    assert time.monotonic() - started < 4  # SQLite by itself would wait for five seconds


def test_a_file_that_tells_otherwise_is_found_and_made_anew(filled: PaperChatbot, file: Path) -> None:
    folder, hits = filled.index.folder, filled.search("honey bees")
    with closing(sqlite3.connect(file)) as changed, changed:
        changed.execute("UPDATE abstracts SET rows = zeroblob(length(rows)) WHERE id = 'p1'")
    for _ in range(2):  # looking changes nothing
        (finding,) = verify(folder)
        assert "vectors tells 1 papers otherwise" in finding.fault
    repair(folder, filled._embedder)
    assert verify(folder) == []
    mended = PaperChatbot(index=folder)
    assert_as_stored(mended.index)
    assert mended.search("honey bees") == hits


def test_a_pack_that_is_damaged_is_left_out(filled: PaperChatbot, write_jsonl: Write) -> None:
    _, packs = filled.index._vectors.collections
    packs.update(ids=["p1#s0"], metadatas=[{"sentences": "garbage"}])
    filled.ingest(write_jsonl(make_record(8), name="more.jsonl"))
    assert {"p1", "p8"} <= filled.index.abstract_vectors(["p1", "p8"]).keys()  # what was read before it was damaged
    filled.ingest(rebuild=True)
    assert {hit.paper.id for hit in filled.search("honey bees", 9)} == ids(filled)
