"""Owns the folder a standalone system lives in: that it can be written, that one system uses it, and its secrets."""

import base64
import contextlib
import errno
import fcntl
import getpass
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, Self

from joserfc.jwk import OKPKey

MIN_FREE_BYTES = 300 * 1024 * 1024
PRIVATE_FILE = 0o600


class Refusal(Exception):
    """The system cannot start; the text is one line that says why and what to do about it."""


def home_path() -> Path:
    """`HUYING_HOME`, or `var` below the current folder."""
    return Path(os.environ.get("HUYING_HOME") or "var").absolute()


class Home:
    """The opened folder. Held by one process at a time, from `open` until `close` or the process's end."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path, self._lock = path, lock
        self.secrets = Secrets(path / "secrets.json")

    @classmethod
    def open(cls, path: Path | None = None, *, min_free: int = MIN_FREE_BYTES) -> Self:
        """Creates the folder if need be and locks it; `min_free` is in bytes."""
        path = path or home_path()
        with refusals(path):
            path.mkdir(parents=True, exist_ok=True)
            lock = _lock(path)
            try:
                (path / "log").mkdir(exist_ok=True)
                _refuse_little_space(path, min_free)
                return cls(path, lock)
            except BaseException:
                os.close(lock)
                raise

    def log(self, name: str) -> Path:
        return self.path / "log" / f"{name}.log"

    def close(self) -> None:
        """Lets the next system in; harmless when repeated."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lock(path: Path) -> int:
    # flock ends with the process, also after `kill -9`; the file itself stays and means nothing.
    lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
        os.close(lock)
        raise Refusal(
            f"already running (pid {pid or 'unknown'}) in {path}: stop it there with Ctrl-C, "
            "or set HUYING_HOME to another folder to run a second one"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _refuse_little_space(path: Path, min_free: int) -> None:
    free = shutil.disk_usage(path).free
    if free < min_free:
        raise Refusal(
            f"the disk that holds {path} has only {free >> 20} MB free: make room ({min_free >> 20} MB are needed), "
            "or set HUYING_HOME to a folder on another disk"
        )


@contextlib.contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Turns what a file system says about `path` into one line for the operator."""
    try:
        yield
    except OSError as error:
        raise Refusal(_in_words(error, path)) from error


def _in_words(error: OSError, path: Path) -> str:
    elsewhere = "or set HUYING_HOME to another folder"
    match error.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"cannot write in {path}: make it writable for the user {_user()}, {elsewhere}"
        case errno.ENOSPC | errno.EDQUOT:
            return f"the disk that holds {path} is full: make room, {elsewhere} on another disk"
        case errno.ENOTDIR | errno.EEXIST:
            return f"{path} cannot be a folder because a file is in its way: move that file, {elsewhere}"
        case _:
            return f"cannot use {path}: {error.strerror or error}; {elsewhere}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run an account without a name
        return str(os.geteuid())


class Secrets(Mapping[str, str]):
    """The passwords and keys made at the first start: kept in one private file and never made again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values = self._read()

    def ensure(self, wanted: Mapping[str, Callable[[], str]]) -> None:
        """Makes what is missing, by name and generator, and writes the file before anyone can use it."""
        missing = {name: make() for name, make in wanted.items() if name not in self._values}
        if missing:
            with refusals(self.path.parent):
                self._write({**self._values, **missing})
            self._values.update(missing)

    def _read(self) -> dict[str, str]:
        try:
            values = json.loads(self.path.read_text("utf-8"))
            self.path.chmod(PRIVATE_FILE)
        except FileNotFoundError:
            if (self.path.parent / "postgres" / "PG_VERSION").exists():
                raise Refusal(
                    f"{self.path} is gone, and without it the data beside it cannot be opened: "
                    f"put the file back, or move {self.path.parent} away to start empty"
                ) from None
            return {}
        except ValueError:
            values = None
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise Refusal(f"{self.path} is damaged: put back a good copy of it")
        return values

    def _write(self, values: Mapping[str, str]) -> None:
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.unlink(missing_ok=True)
        private = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(private, "w", encoding="utf-8") as file:
            json.dump(values, file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({sorted(self._values)})"


def password() -> str:
    """For machines: 192 random bits, safe in URLs."""
    return secrets.token_urlsafe(24)


def spoken_password() -> str:
    """For people: three groups of four characters that cannot be mistaken for one another (about 59 bits)."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(3))


def key() -> str:
    """256 random bits in base64: for AES-GCM and HMAC."""
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def jwk(curve: Literal["Ed25519", "X25519"]) -> str:
    """A private JWK as JSON: Ed25519 signs (RFC 8037), X25519 receives sealed messages. Its kid is its thumbprint."""
    use: Literal["sig", "enc"] = "sig" if curve == "Ed25519" else "enc"
    made = OKPKey.generate_key(curve, {"use": use}, auto_kid=True)
    return json.dumps(made.as_dict(private=True), sort_keys=True)
