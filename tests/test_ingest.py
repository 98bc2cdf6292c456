"""Bringing papers in: only what changed is embedded, and nothing acknowledged is lost."""

import errno
import gzip
import io
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from filelock import FileLock
from rich.console import Console

from chatbot import PaperChatbot, ingest, terminal
from chatbot.errors import IndexBusy, SourceError
from chatbot.index import vectors
from chatbot.index.manifest import load_manifest
from chatbot.sources import jsonl
from tests import forked
from tests.conftest import Run, ids, make_record

Write = Callable[..., Path]


def test_running_again_embeds_nothing(filled: PaperChatbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("something was embedded")

    monkeypatch.setattr(type(filled._embedder), "embed_papers", forbidden)
    report = filled.ingest(tmp_path / "papers.jsonl")
    assert (report.added, report.updated, report.unchanged, report.removed) == (0, 0, 6, 0)


def test_changed_text_is_found_by_its_new_words_only(filled: PaperChatbot, write_jsonl: Write) -> None:
    (outdated,) = filled.index.papers(["p1"]).values()
    changed = make_record(1, abstract="Now it is all about volcanic basalt.")
    report = filled.ingest(write_jsonl(*(make_record(n) for n in (0, 2, 3, 4, 5)), changed))
    assert (report.updated, report.unchanged, len(filled)) == (1, 5, 6)
    assert filled.search("volcanic basalt")[0].paper.id == "p1"
    paper = filled.paper("p1")
    assert paper is not None
    assert [span.text for span in filled.index.spans([paper])["p1"]] == ["Now it is all about volcanic basalt."]
    assert filled.index.spans([outdated]) == {"p1": []}


def test_changed_metadata_is_kept_without_embedding(filled: PaperChatbot, write_jsonl: Write) -> None:
    report = filled.ingest(write_jsonl(*(make_record(n, venue="ICML", authors=["Ada"]) for n in range(6))))
    assert report.updated == 6
    paper = filled.paper("p3")
    assert paper is not None
    assert (paper.venue, paper.authors) == ("ICML", ("Ada",))


def test_papers_gone_from_their_source_are_removed(filled: PaperChatbot, write_jsonl: Write) -> None:
    report = filled.ingest(write_jsonl(*(make_record(number) for number in range(4))))
    assert (report.removed, ids(filled)) == (2, {"p0", "p1", "p2", "p3"})
    assert "p5" not in {hit.paper.id for hit in filled.search("city trams")}


def test_a_paper_with_another_source_stays(filled: PaperChatbot, write_jsonl: Write) -> None:
    filled.ingest(write_jsonl(make_record(5), name="other.jsonl"))
    report = filled.ingest(write_jsonl(*(make_record(number) for number in range(4))))
    assert (report.removed, "p5" in ids(filled), "p4" in ids(filled)) == (1, True, False)


@pytest.mark.parametrize("content", ["", "\n\n", "{bad\n"])
def test_a_source_that_came_up_empty_removes_nothing(filled: PaperChatbot, tmp_path: Path, content: str) -> None:
    (tmp_path / "papers.jsonl").write_text(content)
    with pytest.raises(SourceError):
        filled.ingest(tmp_path / "papers.jsonl")
    assert len(ids(filled)) == 6


def test_bad_records_prevent_removals(filled: PaperChatbot, write_jsonl: Write) -> None:
    report = filled.ingest(write_jsonl(make_record(0), '{"half'))
    assert (report.removed, len(report.skipped), len(ids(filled))) == (0, 1, 6)


def test_what_is_stored_is_read_page_by_page(
    filled: PaperChatbot, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "PAGE", 2)
    assert [paper.id for paper in filled.index.all_papers()] == [f"p{number}" for number in range(6)]
    kept = [make_record(number) for number in (0, 3, 5)]
    assert filled.ingest(write_jsonl(*kept, make_record(9))).removed == 3  # of what its source had, on three pages
    assert ids(filled) == {"p0", "p3", "p5", "p9"}
    papers = list(filled.papers())
    assert {len(spans) for spans in filled.index.spans(papers).values()} == {2}
    assert set(filled.index.abstract_vectors([paper.id for paper in papers])) == ids(filled)


def test_one_bad_source_does_not_stop_the_others(filled: PaperChatbot, tmp_path: Path, write_jsonl: Write) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        filled.ingest(tmp_path / "missing", write_jsonl(make_record(7), name="more.jsonl"))
    assert "p7" in ids(filled)


def test_what_befalls_a_source_is_not_told_of_the_index(
    filled: PaperChatbot, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = jsonl.read

    def break_off(path: Path) -> Iterator[Any]:
        yield next(read(path))
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(jsonl, "read", break_off)
    there = PaperChatbot(index=filled.settings.index, hf_url="http://localhost:abc")
    for given, told in (
        ("We study bees. " * 400, "We study .*… cannot be read .File name too long"),
        ("hf:2024-10-21", "hf:2024-10-21 cannot be read .Invalid port"),
        (source, "papers.jsonl cannot be read .Input/output error"),
    ):
        assert there.count(given) in (None, 0, 1)
        with pytest.raises(SourceError, match=told) as caught:
            there.ingest(given)
        assert len(str(caught.value)) < 400
    assert len(ids(filled)) == 6


def test_a_file_may_be_called_by_any_bytes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path, tmp_path / "folder"):
        record = json.dumps(make_record(1)) + "\n{half\n"
        (path / os.fsdecode(b"caf\xe9.jsonl")).write_text(record)
    odd = [os.fsdecode(b"caf\xe9.jsonl"), "folder", os.fsdecode(b"missing\xe9")]
    told = run("ingest", *odd, index=tmp_path / "index").stderr
    assert ("Traceback" in told, "damaged" in told, "does not exist" in told) == (False, False, True), told
    assert "caf\\xe9.jsonl" in PaperChatbot(index=tmp_path / "index").library.list()[0].sources[0]


def test_reader_in_another_object_sees_a_finished_write(
    filled: PaperChatbot, tmp_path: Path, write_jsonl: Write
) -> None:
    reader = PaperChatbot(index=tmp_path / "index")
    assert "zeppelin" not in reader.search("zeppelin airships")[0].paper.title.lower()
    added = make_record(9, title="On zeppelin airships", abstract="We fly a zeppelin.")
    path = write_jsonl(added, name="more.jsonl")
    forked.run([sys.executable, "-c", forked.INGEST, str(tmp_path / "index"), str(path)], check=True)
    assert reader.search("zeppelin airships")[0].paper.id == "p9"


def test_two_writers_are_kept_apart(filled: PaperChatbot, tmp_path: Path) -> None:
    with FileLock(tmp_path / "index" / "write.lock"), pytest.raises(IndexBusy, match="try again"):
        PaperChatbot(index=tmp_path / "index").ingest(tmp_path / "papers.jsonl")
    assert len(filled.search("honey bees")) == 6


def test_another_paper_under_an_id_that_is_taken_gets_one_of_its_own(filled: PaperChatbot, write_jsonl: Write) -> None:
    other = write_jsonl(make_record(1, abstract="Something else."), name="other.jsonl")
    report = filled.ingest(other)
    assert (report.added, report.updated, report.skipped) == (1, 0, [])
    (new,) = ids(filled) - {f"p{number}" for number in range(6)}
    assert new.startswith("p1-")
    paper = filled.paper("p1")
    assert paper is not None
    assert "honey bees" in paper.abstract
    assert filled.ingest(other).unchanged == 1
    report = filled.ingest(write_jsonl(make_record(7), name="other.jsonl"))
    assert (report.removed, new in ids(filled)) == (1, False)


def test_a_paper_dropped_by_all_its_sources_goes(filled: PaperChatbot, tmp_path: Path, write_jsonl: Write) -> None:
    filled.ingest(write_jsonl(make_record(5), make_record(6), name="other.jsonl"))
    filled.ingest(write_jsonl(*(make_record(number) for number in range(5))))
    assert "p5" in ids(filled)
    report = filled.ingest(write_jsonl(make_record(6), name="other.jsonl"))
    assert (report.removed, "p5" in ids(filled)) == (1, False)


def test_a_copy_in_a_source_does_not_prevent_removals(filled: PaperChatbot, write_jsonl: Write) -> None:
    report = filled.ingest(write_jsonl(make_record(0), make_record(0)))
    assert (report.removed, report.skipped[0].where.split("papers.jsonl ")[1]) == (5, "record 2 (p0)")


def test_what_a_broken_gzip_file_gave_is_kept(tmp_path: Path) -> None:
    lines = "".join(json.dumps(make_record(number)) + "\n" for number in range(1000)).encode()
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(lines)[:2500])
    bot = PaperChatbot(index=tmp_path / "index")
    report = bot.ingest(tmp_path / "cut.jsonl.gz")
    assert report.added == len(ids(bot)) > 0
    assert "breaks off" in report.skipped[-1].reason


def test_rebuild_refuses_while_another_writes_and_keeps_the_old(filled: PaperChatbot, tmp_path: Path) -> None:
    with FileLock(tmp_path / "index" / "write.lock"), pytest.raises(IndexBusy):
        PaperChatbot(index=tmp_path / "index").ingest(tmp_path / "papers.jsonl", rebuild=True)
    assert ids(PaperChatbot(index=tmp_path / "index")) == {f"p{number}" for number in range(6)}


def test_a_failed_rebuild_leaves_the_old_index(
    filled: PaperChatbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(filled._embedder), "embed_papers", fail)
        with pytest.raises(KeyboardInterrupt):
            filled.ingest(tmp_path / "papers.jsonl", rebuild=True)
    assert ids(PaperChatbot(index=tmp_path / "index")) == {f"p{number}" for number in range(6)}
    assert len(list((tmp_path / "index").glob("store-*"))) == 1


def test_rebuild_without_a_source_keeps_just_what_is_there(filled: PaperChatbot) -> None:
    assert filled.ingest(rebuild=True).unchanged == 6
    assert ids(filled) == {f"p{number}" for number in range(6)}
    assert filled.search("honey bees")[0].paper.id == "p1"


def test_kill_in_the_middle_of_an_ingest_heals(tmp_path: Path, write_jsonl: Write) -> None:
    path = write_jsonl(*(make_record(number) for number in range(400)))
    index = tmp_path / "index"
    process = forked.Popen([sys.executable, "-c", forked.INGEST, str(index), str(path)], text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (index / "manifest.json").exists():
        time.sleep(0.05)
    time.sleep(3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    bot = PaperChatbot(index=index)
    before = ids(bot)
    assert len(bot.index.match_words("experiment", 1000)[0]) == len(before)
    report = bot.ingest(path)
    assert (report.added, report.unchanged) == (400 - len(before), len(before))
    assert len(ids(bot)) == 400
    assert not load_manifest(index).writing


def test_what_is_piped_in_adds_and_updates_but_removes_nothing(run: Run, tmp_path: Path) -> None:
    index = tmp_path / "index"
    for text in ("TY  - JOUR\nTI  - Basalt\nAB  - On rocks.\nER  -\n", "title,abstract\nCorals,On reefs.\n"):
        result = run("ingest", "-", "--json", index=index, stdin=text)
        assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["papers"] == 2
    nothing = run("ingest", "-", index=index)
    assert (nothing.returncode, "standard input is empty" in nothing.stderr) == (1, True)


def test_an_entry_without_an_abstract_is_told_and_stops_no_removal(
    filled: PaperChatbot, write_jsonl: Write, tmp_path: Path
) -> None:
    report = filled.ingest(
        write_jsonl(
            make_record(0), {"title": "A book"}, make_record(1, abstract=""), make_record(2, id=None, abstract=" ")
        )
    )
    assert [item.reason for item in report.skipped] == ["no abstract"] * 3
    assert (report.faults, report.removed, ids(filled)) == (0, 3, {"p0", "p1", "p2"})
    assert "honey bees" in next(paper.abstract for paper in filled.papers() if paper.id == "p1")


def test_what_failed_is_listed_beside_the_index_until_it_works(
    filled: PaperChatbot, write_jsonl: Write, tmp_path: Path, run: Run
) -> None:
    index, other = tmp_path / "index", write_jsonl(make_record(8), "{half", make_record(8), name="other.jsonl")
    result = run("ingest", str(other), str(tmp_path / "missing"), index=index)
    report = index / "ingest-report.jsonl"
    assert (result.returncode, f"listed in {report}" in result.stdout) == (1, True)
    (bad, missing) = [json.loads(line) for line in report.read_text().splitlines()]
    assert (bad["source"], bad["where"], bad["reason"][:14]) == (str(other), "line 2", "not valid JSON")
    assert (missing["where"], "does not exist" in missing["reason"]) == ("", True)
    filled.ingest(write_jsonl(make_record(8), make_record(9), name="other.jsonl"))
    assert {"p8", "p9"} <= ids(filled)
    assert [Path(json.loads(line)["source"]).name for line in report.read_text().splitlines()] == ["missing"]
    filled.ingest(write_jsonl(make_record(9), name="missing"))
    assert not report.exists()


def test_how_much_there_is_to_do_is_counted_and_shown(
    bot: PaperChatbot, write_jsonl: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_jsonl(make_record(0), "{half", make_record(1))
    assert (bot.count(), bot.count(path, tmp_path / "missing"), bot.count(path, "-"), bot.count("hf:2024-10-21")) == (
        59, 3, None, None,
    )  # fmt: skip
    shown, events, known = io.StringIO(), list[Event](), Event()

    def count(stopped: Event) -> int:
        events.append(stopped)
        known.wait()
        return 6

    monkeypatch.setattr(terminal, "err", Console(file=shown, force_terminal=True, width=120))
    with terminal.progress_bar("Reading", count) as progress:
        for number in range(5):
            progress(1)
            time.sleep(0.2)
            if number == 0:
                known.set()
    seen = re.sub(r"\x1b\[[\d;]+m", "", shown.getvalue())
    assert "1/?" in seen
    assert re.search(r"/6 \d+ a second \S+ left 0:00:0\d", seen)
    assert events[0].is_set()


def test_counting_ends_where_reading_is_slow_or_nobody_waits(
    bot: PaperChatbot, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, stopped = write_jsonl(*map(make_record, range(6))), Event()
    stopped.set()
    assert bot.count(path, stopped=stopped) is None
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr(ingest, "monotonic", lambda: next(clock))
    assert bot.count(path, stopped=Event()) is None
    monkeypatch.setattr(ingest, "_RECORDS_A_SECOND", 0.1)
    assert (bot.count(path, stopped=Event()), bot.count(path)) == (6, None)
