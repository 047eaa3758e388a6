"""The folder of a standalone system is opened by one process, or refused in one line that says what to do."""

import contextlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey

from deploy.standalone import home
from deploy.standalone.home import Home, Refusal, Secrets

NOBODY = 65534


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write everywhere; for these lines we are someone else."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_second_start_is_told_who_is_running(tmp_path: Path) -> None:
    with Home.open(tmp_path / "var"), pytest.raises(Refusal, match=rf"already running \(pid {os.getpid()}\)"):
        Home.open(tmp_path / "var")
    Home.open(tmp_path / "var").close()


def test_an_unwritable_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with unprivileged(), pytest.raises(Refusal, match=r"make it writable for the user .*, or set HUYING_HOME"):
        Home.open(tmp_path / "var")
    tmp_path.chmod(0o755)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    with pytest.raises(Refusal, match="a file is in its way"):
        Home.open(tmp_path / "var")


def test_a_full_disk_is_refused_before_anything_is_half_written(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"only \d+ MB free: make room"):
        Home.open(tmp_path / "var", min_free=1 << 60)
    Home.open(tmp_path / "var").close()


def test_the_folder_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUYING_HOME", str(tmp_path / "elsewhere"))
    with Home.open() as opened:
        assert opened.path == tmp_path / "elsewhere"
        assert opened.log("postgres").parent.is_dir()


def test_secrets_are_private_and_never_made_again(tmp_path: Path) -> None:
    with Home.open(tmp_path) as first:
        first.secrets.ensure({"postgres": home.password, "demo": home.spoken_password})
        made = dict(first.secrets)
    with Home.open(tmp_path) as second:
        second.secrets.ensure({"postgres": home.password, "vault": home.key})
        assert made.items() <= dict(second.secrets).items()
        assert len(second.secrets) == 3
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert made["postgres"] not in repr(second.secrets)


def test_lost_secrets_beside_data_are_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").touch()
    with pytest.raises(Refusal, match="put the file back"):
        Home.open(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"postgres": 1}', "\ud800".encode("utf-16", "surrogatepass")])
def test_damaged_secrets_are_refused(text: str | bytes, tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Refusal, match="damaged"):
        Secrets(tmp_path / "secrets.json")


def test_keys_sign_and_open() -> None:
    for curve in ("Ed25519", "X25519"):
        key = OKPKey.import_key(json.loads(home.jwk(curve)))
        assert key.is_private
        assert key.kid == key.thumbprint()
