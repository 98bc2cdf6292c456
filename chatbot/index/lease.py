"""One writer at a time on a Chroma server: it makes a collection of a name only once, and whoever made it may write.

Knows that collection, whose metadata tell who writes and until when; knows nothing of what is written. A writer that
died is known by its expiry, or by being of the same folder, whose lock the next one holds.
"""

import time
import uuid
from contextlib import suppress
from typing import Any

from chromadb.errors import ChromaError, NotFoundError

from chatbot.errors import IndexBusy

_LEASE = 600  # seconds that a writer may be silent before another may write
_RENEWAL = 5
_PAUSE = 1  # in which whoever else saw the same lease end has taken it


class Lease:
    """The collection ``name``, whose metadata say who writes and until when, by the server's clock."""

    def __init__(self, client: Any, name: str, owner: str) -> None:
        self._client, self._name = client, name
        self._mine = {"owner": owner, "id": uuid.uuid4().hex}
        self._ahead = client.heartbeat() / 1e9 - time.monotonic()
        self._renewed = time.monotonic()

    def take(self, place: str) -> None:
        """Make it ours. Raises IndexBusy when it is another's that is not over."""
        if self._make():
            return
        with suppress(NotFoundError):  # it was given back a moment ago
            held = self._client.get_collection(self._name, embedding_function=None).metadata
            left = held["until"] - self._now()
            if held["id"] == self._mine["id"]:  # the answer to our first try was lost
                return
            if held["owner"] != self._mine["owner"] and left > 0:
                raise IndexBusy(
                    f"{held['owner']} is writing to {place}; wait for it to finish and try again (if it was cut off, "
                    f"in {left:.0f} seconds, or at once from there)"
                )
            self._client.delete_collection(self._name)
        if not self._make():
            raise self._just_taken(place)
        time.sleep(_PAUSE)
        if not self._is_mine():
            raise self._just_taken(place)

    def renew(self) -> None:
        """Stay the owner. Raises IndexBusy when it is another's by now."""
        if time.monotonic() - self._renewed < _RENEWAL:
            return
        if not self._is_mine():
            raise IndexBusy("this process was silent for too long and another one writes now; run it again later")
        self._client.get_collection(self._name, embedding_function=None).modify(metadata=self._until())
        self._renewed = time.monotonic()

    def give_back(self) -> None:
        """Let others write, unless the server is away, or the lease is another's by now."""
        with suppress(Exception):
            if self._is_mine():
                self._client.delete_collection(self._name)

    def _just_taken(self, place: str) -> IndexBusy:
        return IndexBusy(f"another process has just begun to write to {place}; try again later")

    def _make(self) -> bool:
        try:
            self._client.create_collection(self._name, embedding_function=None, metadata=self._until())
        except ChromaError as error:
            if "already exists" in str(error):
                return False
            raise
        return True

    def _is_mine(self) -> bool:
        try:
            held = self._client.get_collection(self._name, embedding_function=None).metadata
        except NotFoundError:
            return False
        return bool(held["id"] == self._mine["id"])

    def _until(self) -> dict[str, Any]:
        return self._mine | {"until": int(self._now() + _LEASE)}

    def _now(self) -> float:
        return float(self._ahead + time.monotonic())
