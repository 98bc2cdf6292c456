"""Keep the names and password hashes of those who may sign in, in a JSON file that only its owner can read.

Knows argon2 and the file; knows nothing of the page, of sessions or of who asks how often.
"""

import json
import os
import re
import secrets
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from chatbot.errors import AccountsBroken, InputError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_PASSWORD, MOST_PASSWORD = 8, 1000  # characters
_NAME = re.compile(r"[\w.@+-]{1,64}")


class Accounts:
    """The accounts in the file ``path``, which is made at first use. Any method may raise AccountsBroken."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, dict[str, str]] = 0, {}

    def names(self) -> list[str]:
        """Return the names, sorted."""
        return sorted(self._read())

    def set(self, name: str, password: str) -> bool:
        """Keep the hash of a password, in place of an earlier one; return whether the name is new.

        Raises InputError for a name or a password that cannot be used.
        """
        if not _NAME.fullmatch(name):
            raise InputError("a name has at most 64 letters, digits and . _ @ + -; choose another")
        if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
            raise InputError(f"a password has {LEAST_PASSWORD} to {MOST_PASSWORD:,} characters; choose another")
        hashed = _hasher().hash(password)
        with self._lock():
            known = self._read()
            self._write(known | {name: hashed})
        return name not in known

    def remove(self, name: str) -> None:
        """Forget an account. Raises InputError when there is none of this name."""
        with self._lock():
            known = self._read()
            if known.pop(name, None) is None:
                raise InputError(f"there is no account “{name[:64]}”; those that are there: chatbot user list")
            self._write(known)

    def find(self, name: str) -> str | None:
        """Return the hash that is kept for a name, None when it is not there."""
        return self._read().get(name)

    def check(self, name: str, password: str) -> bool:
        """Tell whether this is the password of that name; it takes as long for a name that is not there."""
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return _hasher().verify(self.find(name) or _nobody(), password)
        except VerificationError:
            return False
        except InvalidHashError as error:
            raise AccountsBroken(f"{self.path} is damaged at “{name}”; set that password again") from error

    def find_changed(self) -> frozenset[str]:
        """Return the names whose account is gone or has another password since the last call.

        Reads the file only when it has changed.
        """
        try:
            stamp = self.path.stat().st_mtime_ns
        except OSError:
            stamp = 0
        if stamp == self._seen[0]:
            return frozenset()
        before = self._seen[1]
        self._seen = stamp, self._read() if stamp else {}
        return frozenset(name for name, hashed in before.items() if self._seen[1].get(name) != hashed)

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}
        except OSError as error:
            raise AccountsBroken(f"the accounts in {self.path} cannot be read: {error.strerror}") from error
        except ValueError:
            known = None
        if not isinstance(known, dict) or not all(isinstance(hashed, str) for hashed in known.values()):
            raise AccountsBroken(f"{self.path} holds no accounts; name another file, or move it away to start anew")
        return known

    def _write(self, known: dict[str, str]) -> None:
        """Put the new file in the place of the old one at once, so that a crash leaves either."""
        new = self.path.with_name(f"{self.path.name}.new")
        try:
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(known, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from error

    def _lock(self) -> FileLock:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.parent.joinpath(f"{self.path.name}.lock").touch()
        except OSError as error:
            raise self._unwritable(error) from error
        return FileLock(f"{self.path}.lock")

    def _unwritable(self, error: OSError) -> AccountsBroken:
        return AccountsBroken(f"the accounts cannot be kept in {self.path}: {error.strerror}; give another --file")


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobody() -> str:
    """Return the hash of a password that nobody has."""
    return _hasher().hash(secrets.token_hex())
