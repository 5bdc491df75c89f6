"""Content-addressed files: what is too large for a row."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from neuromosaic.core.errors import NotFoundError, StoreError

DIGEST = re.compile(r"[0-9a-f]{64}")


class Artifacts:
    """Bytes by their SHA-256, each in a file `ab/cdef...`. Written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        """The digest of `data`. Raises StoreError where it cannot be written (a full disk, say)."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if not path.exists():
            self._write(path, data)
        return digest

    def get(self, digest: str) -> bytes:
        """Raises NotFoundError for an unknown digest and StoreError for a damaged file."""
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise NotFoundError(
                f"the store holds no artifact {digest}: was it collected by `neuromosaic gc`?"
            ) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise StoreError(f"artifact {digest} is damaged on disk: delete {self._path(digest)} and run again")
        return data

    def collect(self, referenced: set[str]) -> tuple[int, int]:
        """Deletes what is not in `referenced`: (number of files, bytes)."""
        doomed = [path for path in self._files() if path.parent.name + path.name not in referenced]
        size = sum(path.stat().st_size for path in doomed)
        for path in doomed:
            path.unlink()
        return len(doomed), size

    def _files(self) -> Iterator[Path]:
        return (path for path in self._folder.glob("??/*") if DIGEST.fullmatch(path.parent.name + path.name))

    def _path(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise NotFoundError(f"{digest!r} is no artifact's digest")
        return self._folder / digest[:2] / digest[2:]

    def _write(self, path: Path, data: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            raise StoreError(f"cannot write to the store at {path.parent}: {error.strerror}") from None
