"""Where photos live: an object store addressed by content, a folder by default and S3 by URL."""

import asyncio
import hashlib
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from shared.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from obstore.store import S3Config  # exists for type checkers only

_NAME = re.compile(r"[0-9a-f]{64}")
# A citizen waits for this: the library's own default of ten tries in three minutes is for batch work.
_PATIENCE = timedelta(seconds=10)


class PhotosUnavailable(Unavailable):
    """Photos are unavailable for the moment."""

    zh = "照片暂时无法存取，请稍后再试"


class PhotoNotFound(NotFound):
    """There is no such photo."""

    zh = "未找到该照片"


class PhotoStore:
    """Bytes under the SHA-256 of their content, so the same photo is kept once and no name can be guessed or forged."""

    def __init__(self, store: ObjectStore, *, folder: Path | None = None) -> None:
        """`folder` is the directory behind a local store; what was put there is synced to disk before `put` returns."""
        self._store, self._folder = store, folder

    @classmethod
    def at(cls, url: str, options: Mapping[str, str] | None = None) -> Self:
        """`/a/folder`, `file:///a/folder`, `memory://`, or `s3://bucket/prefix` with S3 `options` (endpoint, keys …)."""
        scheme = urlsplit(url).scheme
        if scheme == "memory":
            return cls(MemoryStore())
        if scheme in ("", "file"):
            folder = Path(urlsplit(url).path if scheme else url).absolute()
            return cls(LocalStore(folder, mkdir=True), folder=folder)
        config = dict(options or {})
        store = from_url(
            url,
            config=cast("S3Config", config),
            # An endpoint inside the building may speak plain HTTP; naming it so is permission enough.
            client_options={"timeout": _PATIENCE, "allow_http": config.get("endpoint", "").startswith("http://")},
            retry_config={"max_retries": 2, "retry_timeout": _PATIENCE},
        )
        return cls(store)

    async def put(self, sha256: str, data: bytes) -> None:
        """Keeps `data`; a second put of the same content changes nothing. Raises `PhotosUnavailable`."""
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError("the name is not the SHA-256 of the content")
        path = _path(sha256)
        try:
            await obstore.put_async(self._store, path, data, mode="create")
        except AlreadyExistsError:
            pass
        except (BaseError, OSError) as error:
            raise PhotosUnavailable(retry_after=10) from error
        if self._folder is not None:
            try:
                await asyncio.to_thread(_sync, self._folder, self._folder / path)
            except OSError as error:
                raise PhotosUnavailable(retry_after=10) from error

    async def get(self, sha256: str) -> bytes:
        """Raises `PhotoNotFound` (also for a name that is no SHA-256) or `PhotosUnavailable`."""
        if not _NAME.fullmatch(sha256):
            raise PhotoNotFound
        try:
            result = await obstore.get_async(self._store, _path(sha256))
            return bytes(await result.bytes_async())
        except FileNotFoundError:
            raise PhotoNotFound from None
        except (BaseError, OSError) as error:
            raise PhotosUnavailable(retry_after=10) from error

    async def delete(self, sha256: str) -> None:
        """Forgets a photo, for a citizen's right to erasure; one that is gone already is no error."""
        if not _NAME.fullmatch(sha256):
            raise PhotoNotFound
        try:
            await obstore.delete_async(self._store, _path(sha256))
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise PhotosUnavailable(retry_after=10) from error


def _path(sha256: str) -> str:
    """Two levels, since a folder of a million files is slow to list and to back up."""
    return f"photos/{sha256[:2]}/{sha256[2:]}"


def _sync(folder: Path, file: Path) -> None:
    """The local store renames into place but never syncs: after a power cut an acknowledged photo could be empty.

    The directories up to the store's own folder are synced too, as they may be new.
    """
    for path in (file, *(parent for parent in file.parents if parent.is_relative_to(folder))):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
