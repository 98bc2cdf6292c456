"""An index looked after: counted, checked, mended, and taken to another machine in one file."""

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chatbot import PaperChatbot, ingest, upkeep
from chatbot.errors import IndexBroken, IndexMismatch, InputError, SourceError
from chatbot.index import PaperIndex, measure, verify
from chatbot.index.manifest import load_manifest
from chatbot.index.place import forget_stores, open_folder
from chatbot.records import Whole
from chatbot.upkeep import export_snapshot, import_snapshot, repair
from tests.conftest import Run, make_record

QUERIES = ("LiDAR segmentation", "federated learning with noisy links", "merging models", "neural style")


class NoModel:
    """Stands where a machine has no model: whatever has to be embedded fails."""

    identity, dimensions = "none@0", 0

    def embed_papers(self, passages: Any) -> Any:
        raise AssertionError("something was embedded")

    def embed_query(self, text: str) -> Any:
        raise AssertionError("something was embedded")


@pytest.fixture(scope="module")
def snapshot(seed_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("snapshot") / "seeds.tar"
    assert export_snapshot(seed_index, file) == 59
    return file


@pytest.fixture
def copied(seed_index: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(seed_index, tmp_path / "copy"))


def entries(folder: Path) -> list[Any]:
    index = PaperIndex(folder, load_manifest(folder).embedding)
    found = [entry for page in index.entries() for entry in page]
    return sorted(found, key=lambda entry: str(entry.paper.id))


def assert_same_results(folder: Path, bot: PaperChatbot) -> None:
    new = PaperChatbot(index=folder)
    for query in QUERIES:
        found, expected = ({hit.paper.id: hit.score for hit in each.search(query)[:3]} for each in (new, bot))
        assert found == pytest.approx(expected, abs=0.01)  # in another batch, the fourth digit of a vector differs


def test_a_snapshot_makes_the_same_index_without_a_model(
    snapshot: Path, seed_index: Path, bot: PaperChatbot, tmp_path: Path
) -> None:
    report = import_snapshot(tmp_path / "new", snapshot, NoModel())
    assert (report.added, verify(tmp_path / "new")) == (59, [])
    for new, old in zip(entries(tmp_path / "new"), entries(seed_index), strict=True):
        assert (new.paper, new.records, new.sentences) == (old.paper, old.records, old.sentences)
        assert np.abs(new.vectors - old.vectors).max() < 1e-6  # Chroma divides by the length once more
    assert_same_results(tmp_path / "new", bot)
    assert load_manifest(tmp_path / "new").fingerprint == load_manifest(seed_index).fingerprint


def test_what_is_there_already_is_put_together_without_a_model(
    snapshot: Path, copied: Path, tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    again = import_snapshot(copied, snapshot, NoModel())
    assert (again.added, again.merged, again.unchanged) == (0, 0, 59)
    other = PaperChatbot(index=tmp_path / "other")
    paper = next(PaperChatbot(index=copied).papers())
    mine = write_jsonl({"id": "mine", "title": paper.title, "abstract": paper.abstract}, make_record(1))
    other.ingest(mine)
    report = import_snapshot(tmp_path / "other", snapshot, NoModel())
    other.index.refresh()
    assert (report.added, report.merged, len(other), verify(tmp_path / "other")) == (58, 1, 60, [])


def test_what_another_process_brings_in_before_an_import_writes_is_put_together(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = upkeep._open_for
    with monkeypatch.context() as patch:

        def open_early(*given: Any) -> PaperIndex:
            index = opened(*given)
            patch.undo()
            assert import_snapshot(tmp_path / "new", snapshot, NoModel()).added == 59
            return index

        patch.setattr(upkeep, "_open_for", open_early)
        assert import_snapshot(tmp_path / "new", snapshot, NoModel()).unchanged == 59


def test_a_folder_is_no_file_to_export_to(filled: PaperChatbot, tmp_path: Path) -> None:
    for folder in (Path(), tmp_path):
        with pytest.raises(InputError, match="cannot be written"):
            export_snapshot(tmp_path / "index", folder)
    assert {path.name for path in tmp_path.iterdir()} == {"index", "papers.jsonl"}


def test_other_vectors_are_refused_unless_the_index_is_new(snapshot: Path, tmp_path: Path, run: Run) -> None:
    PaperIndex.create(tmp_path / "other", "another-model@1")
    result = run("index", "import", str(snapshot), index=tmp_path / "other")
    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert "another-model@1; import it into a new one" in " ".join(result.stderr.split())
    with pytest.raises(IndexMismatch):
        import_snapshot(tmp_path / "other", snapshot, NoModel())


def add(archive: tarfile.TarFile, name: str, content: bytes = b"", **fields: Any) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for field, value in fields.items():
        setattr(member, field, value)
    archive.addfile(member, io.BytesIO(content))


class Hostile:
    """What leaves a folder behind where it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("unpickled",)


def spoil(snapshot: Path, kind: str) -> bytes:
    """Return ``snapshot`` with one thing in it that does not belong there."""
    if kind == "cut":
        return snapshot.read_bytes()[: snapshot.stat().st_size // 2]
    if kind == "no archive":
        return b"PK\x03\x04 something else" * 100
    stream = io.BytesIO()
    with tarfile.open(snapshot) as old, tarfile.open(fileobj=stream, mode="w") as new:
        contents = {member.name: old.extractfile(member).read() for member in old}  # type: ignore[union-attr]
        if kind == "link":
            contents.pop("vectors-00000.npy")
        elif kind == "another name":
            contents = {name.replace("papers-", "../papers-"): content for name, content in contents.items()}
        elif kind == "another format":
            contents["snapshot.json"] = contents["snapshot.json"].replace(b'"format": 2', b'"format": 1')
        elif kind == "paper missing":
            contents["papers-00000.jsonl"] = contents["papers-00000.jsonl"].split(b"\n", 1)[1]
        elif kind == "not a number":
            array = np.load(io.BytesIO(contents["vectors-00000.npy"]))
            array[7, 7] = np.nan
            np.save(changed := io.BytesIO(), array)
            contents["vectors-00000.npy"] = changed.getvalue()
        elif kind == "pickle":
            np.save(changed := io.BytesIO(), np.array([Hostile()]), allow_pickle=True)
            contents["vectors-00000.npy"] = changed.getvalue()
        elif kind == "zip":
            np.savez(changed := io.BytesIO(), np.load(io.BytesIO(contents["vectors-00000.npy"])))
            contents["vectors-00000.npy"] = changed.getvalue()
        elif kind == "1000000 passages":
            contents["papers-00000.jsonl"] = contents["papers-00000.jsonl"].replace(b'sages": 1', b'sages": 1000000', 1)
        for name, content in contents.items():
            add(new, name, content)
        if kind == "link":
            add(new, "vectors-00000.npy", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        elif kind in {"../above.txt", "/tmp/absolute.txt"}:
            add(new, kind, b"surprise")
    return stream.getvalue()


@pytest.mark.parametrize(
    "kind",
    [
        *("cut", "no archive", "another format", "another name", "link", "../above.txt", "/tmp/absolute.txt"),
        *("paper missing", "not a number", "pickle", "zip", "1000000 passages"),
    ],
)
def test_a_bad_snapshot_is_refused_and_writes_nothing_elsewhere(snapshot: Path, tmp_path: Path, kind: str) -> None:
    bad = tmp_path / "in" / "bad.tar"
    bad.parent.mkdir()
    bad.write_bytes(spoil(snapshot, kind))
    with pytest.raises(SourceError, match="no whole snapshot") as caught:
        import_snapshot(tmp_path / "in" / "new", bad, NoModel())
    assert "\n" not in str(caught.value)
    assert kind != "1000000 passages" or kind in str(caught.value)  # told before there are as many
    assert {path.name for path in tmp_path.iterdir()} == {"in"}
    assert not Path("/tmp/absolute.txt").exists()


def test_stats_and_verify_tell_people_and_programs(run: Run, seed_index: Path, copied: Path) -> None:
    told = json.loads(run("index", "stats", "--json").stdout)
    assert (told["papers"], told["sources"]) == (59, {"seed papers": 59})
    assert told["sentences"] > 400
    assert sum(told["bytes"].values()) == sum(path.stat().st_size for path in seed_index.rglob("*") if path.is_file())
    whole = run("index", "verify")
    assert (whole.returncode, whole.stdout) == (0, f"the index in {seed_index} is whole\n")
    shutil.rmtree(store(copied) / "lexical")
    broken = run("index", "verify", "--json", index=copied)
    (fault,) = json.loads(broken.stdout)["faults"]
    assert (broken.returncode, fault["fault"]) == (1, "the index of words is missing")
    assert fault["fix"] == f"run: chatbot index repair --index {copied}"


def store(folder: Path) -> Path:
    return folder / load_manifest(folder).store


def drop_sentences(folder: Path) -> None:
    collection = open_folder(store(folder) / "chroma").collections[1]
    collection.delete(ids=collection.get(limit=3, offset=10)["ids"])


def spoil_sentences(folder: Path) -> None:
    collection = open_folder(store(folder) / "chroma").collections[1]
    row = collection.get(limit=1, offset=10, include=["metadatas"])
    collection.update(ids=row["ids"], metadatas=[{"sentences": row["metadatas"][0]["sentences"][:-9]}])


def blank_vector(folder: Path) -> None:
    collection = open_folder(store(folder) / "chroma").collections[0]
    collection.update(ids=[collection.get(limit=1)["ids"][0]], embeddings=[[0.0] * 384])


def drop_paper(folder: Path) -> None:
    collection = open_folder(store(folder) / "chroma").collections[0]
    collection.delete(ids=[collection.get(limit=1)["ids"][0]])


def cut_words(folder: Path) -> None:
    (longest,) = sorted((store(folder) / "lexical").glob("*.term"), key=lambda path: path.stat().st_size)[-1:]
    longest.write_bytes(longest.read_bytes()[:-500])


def flip_bit(folder: Path) -> None:
    path = next((store(folder) / "lexical").glob("*.pos"))
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def drop_words(folder: Path) -> None:
    shutil.rmtree(store(folder) / "lexical")


@pytest.mark.parametrize("damage", [drop_words, cut_words, flip_bit, drop_sentences, spoil_sentences, blank_vector])
def test_damage_is_found_and_mended(copied: Path, bot: PaperChatbot, damage: Callable[[Path], None]) -> None:
    damage(copied)
    forget_stores()
    assert verify(copied)
    assert verify(copied)  # looking changes nothing
    repair(copied, bot._embedder)
    assert verify(copied) == []
    assert_same_results(copied, bot)


def test_a_repair_embeds_batch_by_batch(copied: Path, bot: PaperChatbot, monkeypatch: pytest.MonkeyPatch) -> None:
    drop_sentences(copied)
    forget_stores()
    batches, embed = list[int](), bot._embedder.embed_papers

    def count(passages: Sequence[Whole]) -> Any:
        batches.append(len(passages))
        return embed(passages)

    monkeypatch.setattr(bot._embedder, "embed_papers", count)
    monkeypatch.setattr(ingest, "PAPERS_A_BATCH", 1)
    assert (repair(copied, bot._embedder).embedded, len(batches), verify(copied)) == (3, 3, [])


def test_a_paper_that_is_lost_comes_back_with_its_source(copied: Path, bot: PaperChatbot) -> None:
    drop_paper(copied)
    forget_stores()
    faults = [finding.fault for finding in verify(copied)]
    assert any("belong to no paper" in fault for fault in faults)
    assert any("papers 59, the vector store has 58" in fault for fault in faults)
    done = repair(copied, bot._embedder)
    assert (done.removed, done.embedded, verify(copied)) == (1, 0, [])  # its pack of sentences
    assert PaperChatbot(index=copied).ingest().added == 1
    assert_same_results(copied, bot)


def test_what_only_a_new_index_mends_is_told(copied: Path, bot: PaperChatbot) -> None:
    (copied / "manifest.json").write_text("{")
    (finding,) = verify(copied)
    assert "--rebuild" in finding.fix
    with pytest.raises(IndexBroken, match="--rebuild"):
        repair(copied, bot._embedder)


def test_an_index_is_measured_by_its_parts(copied: Path) -> None:
    found = measure(copied)
    assert min(found.bytes["chroma"], found.bytes["lexical"]) > 50_000
