"""An index that is missing, damaged, of another kind or on a disk that refuses: mended, or told in one line."""

import errno
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.errors import IndexBroken, IndexMismatch, IndexMissing
from chatbot.index.manifest import Manifest, load_manifest
from chatbot.index.place import find_place
from tests import forked
from tests.conftest import ids, make_record

Write = Callable[..., Path]


def store(tmp_path: Path) -> Path:
    return tmp_path / "index" / load_manifest(tmp_path / "index").store


@pytest.mark.parametrize("damage", ["missing", "file", "garbage"])
def test_lexical_side_is_rebuilt_when_damaged(filled: PaperChatbot, tmp_path: Path, damage: str) -> None:
    lexical = store(tmp_path) / "lexical"
    if damage == "garbage":
        (lexical / "meta.json").write_text("{garbage")
    else:
        shutil.rmtree(lexical)
    if damage == "file":
        lexical.write_text("x")
    again = PaperChatbot(index=tmp_path / "index")
    words, _ = again.index.match_words("honey bees", 5)
    assert "p1" in words


def test_rebuild_recovers_from_a_damaged_manifest_each_time(
    filled: PaperChatbot, tmp_path: Path, write_jsonl: Write
) -> None:
    for _ in range(2):
        (tmp_path / "index" / "manifest.json").write_text("garbage")
        bot = PaperChatbot(index=tmp_path / "index")
        bot.ingest(write_jsonl(make_record(8), name="more.jsonl"), rebuild=True)
        assert ids(bot) == {f"p{number}" for number in (0, 1, 2, 3, 4, 5, 8)}


def test_what_a_crash_left_of_other_rebuilds_goes_with_the_next(filled: PaperChatbot, tmp_path: Path) -> None:
    filled.ingest(rebuild=True)
    current = load_manifest(tmp_path / "index").store
    for number in (0, 9):
        (tmp_path / "index" / f"store-{number}" / "chroma").mkdir(parents=True, exist_ok=True)
    filled.ingest(rebuild=True)
    assert [path.name for path in (tmp_path / "index").glob("store-*")] == [load_manifest(tmp_path / "index").store]
    assert current != load_manifest(tmp_path / "index").store


def test_of_several_stores_the_latest_that_is_whole_is_taken_for_that_of_a_damaged_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("garbage")
    for number in (9, 10, 11):
        (tmp_path / f"store-{number}" / "lexical").mkdir(parents=True)
    assert find_place(tmp_path).recover("a@1").store == "store-11"
    for number in (9, 10):  # the next was being made
        (tmp_path / f"store-{number}" / "lexical" / "generation").write_text(f"{number}")
    assert find_place(tmp_path).recover("a@1").store == "store-10"


def test_other_models_and_formats_are_refused_with_the_command(filled: PaperChatbot, tmp_path: Path) -> None:
    path = tmp_path / "index" / "manifest.json"
    good = json.loads(path.read_text())
    for change in ({"embedding": "other@123"}, {"format": 99}):
        path.write_text(json.dumps(good | change))
        with pytest.raises(IndexMismatch, match="--rebuild"):
            PaperChatbot(index=tmp_path / "index").search("bees")
    report = PaperChatbot(index=tmp_path / "index").ingest(tmp_path / "papers.jsonl", rebuild=True)
    assert report.unchanged == 6
    assert PaperChatbot(index=tmp_path / "index").search("honey bees")[0].paper.id == "p1"


def test_missing_and_damaged_indexes_say_what_to_do(filled: PaperChatbot, tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="run: chatbot ingest"):
        PaperChatbot(index=tmp_path / "nowhere").search("bees")
    (tmp_path / "index" / "manifest.json").write_text("{")
    with pytest.raises(IndexBroken, match="damaged"):
        PaperChatbot(index=tmp_path / "index").search("bees")


@pytest.mark.parametrize("damage", ["garbage", "missing"])
def test_damaged_vector_store_says_what_to_do(tmp_path: Path, write_jsonl: Write, damage: str) -> None:
    path = write_jsonl(make_record(1))
    forked.run([sys.executable, "-c", forked.INGEST, str(tmp_path / "index"), str(path)], check=True)
    database = store(tmp_path) / "chroma" / "chroma.sqlite3"
    if damage == "garbage":
        database.write_bytes(b"garbage" * 1000)
    else:
        database.unlink()
    with pytest.raises(IndexBroken, match=r"is damaged .*--rebuild") as caught:
        PaperChatbot(index=tmp_path / "index").search("bees")
    assert "\n" not in str(caught.value)
    with pytest.raises(IndexBroken, match="is damaged"):
        PaperChatbot(index=tmp_path / "index").ingest(path)


def test_a_file_in_place_of_the_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexBroken):
        PaperChatbot(index=tmp_path / "file" / "index").ingest()


@pytest.mark.parametrize(
    ("code", "message"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "cannot be written"), (errno.EACCES, "cannot be written")],
)
def test_what_the_disk_refuses_is_explained(
    filled: PaperChatbot, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch, code: int, message: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "save", refuse)
        with pytest.raises(IndexBroken, match=message):
            filled.ingest(write_jsonl(make_record(8), name="more.jsonl"))
    assert len(ids(filled)) == 6
