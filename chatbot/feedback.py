"""Thumbs up and down on answers, with the reason, kept beside the index for whoever looks after it.

Knows a JSON Lines file; knows nothing of the page or of what becomes of the feedback. Only the owner of the file can
read it, for it holds questions.
"""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from chatbot.errors import FeedbackBroken

MOST_REASON = 2000  # characters


class FeedbackStore:
    """The feedback in the file ``path``, which is made at first use. Any method may raise FeedbackBroken."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, answer: Mapping[str, Any], liked: bool, reason: str = "", user: str = "") -> None:
        """Keep what ``user`` thinks of ``answer`` (in its JSON form); it is on the disk when this returns."""
        record = {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "user": user,
            "liked": liked,
            "reason": reason[:MOST_REASON],
            "question": answer["standalone_question"],
            "status": answer["status"],
            "model": answer["model"],
            "citations": [[c["paper_id"], c["start"], c["end"], c["quote"]] for c in answer["citations"]],
            "retrieved": [hit["paper_id"] for hit in answer["retrieved"]],
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            # The line break comes first, so that a line that a crash cut off spoils no other.
            with FileLock(f"{self._path}.lock"), self._path.open("a", encoding="utf-8") as file:
                file.write("\n" + json.dumps(record))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise FeedbackBroken(f"feedback cannot be kept in {self._path}: {error.strerror}") from error

    def forget(self, user: str) -> int:
        """Delete the records of ``user``, and lines that were cut off; return how many records they were."""
        if not self._path.exists():
            return 0
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            with FileLock(f"{self._path}.lock"):
                records = list(self.read())
                left = [record for record in records if record["user"] != user]
                new.touch(mode=0o600)
                with new.open("w", encoding="utf-8") as file:
                    file.writelines(f"\n{json.dumps(record)}" for record in left)
                    file.flush()
                    os.fsync(file.fileno())
                new.replace(self._path)
        except OSError as error:
            raise FeedbackBroken(f"feedback cannot be kept in {self._path}: {error.strerror}") from error
        return len(records) - len(left)

    def marked_down(self) -> list[dict[str, Any]]:
        """Return the latest record of each question that a user liked least with what they thought of it last."""
        latest = {(record["question"], record["user"]): record for record in self.read()}
        return list({record["question"]: record for record in latest.values() if not record["liked"]}.values())

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the records, oldest first; a line that was cut off is left out."""
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        except OSError as error:
            raise FeedbackBroken(f"{self._path} cannot be read: {error.strerror}") from error
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                continue
