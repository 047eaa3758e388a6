"""`classifier train|evaluate|crossvalidate` on the command line, with nothing configured."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.router import commands
from services.router.learning import folder
from services.router.learning.catalogue_texts import catalogue_samples
from tests.unit.router.learning_letters import letters

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Described:
    code: str
    name: str
    covers: str
    examples: tuple[str, ...]
    keywords: tuple[str, ...]


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    file = tmp_path / "letters.csv"
    with file.open("w", encoding="utf-8", newline="") as place:
        writer = csv.writer(place)
        writer.writerow(("text", "kind"))
        writer.writerows((one.text, one.label) for one in letters())
    return file


def say(*argv: str) -> int | None:
    return commands.run(["classifier", *argv])


def test_a_trained_model_is_evaluated_and_one_json_object_comes_last(
    messages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(tmp_path / "model")
    assert say("train", "--messages", str(messages), "--label", "kind", "--model", model) == 0
    trained = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert trained["samples"] == 36
    assert say("evaluate", "--messages", str(messages), "--label", "kind", "--model", model) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["rows"] == 36
    assert found["accuracy"] >= 0.9
    assert {"macro_f1", "coverage_80_accuracy", "per_class", "ms_per_message", "model_mb"} <= set(found)
    assert found["version"] == trained["version"] == folder.read_card(Path(model)).version


def test_crossvalidation_judges_every_message_once(messages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say("crossvalidate", "--messages", str(messages), "--label", "kind", "--folds", "3") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["rows"] == 36
    assert len(found["macro_f1_of_folds"]) == 3
    assert found["accuracy"] >= 0.6


@pytest.mark.parametrize("verb", ["train", "evaluate"])
def test_what_is_wrong_is_told_and_the_status_is_one(
    verb: str, messages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(verb, "--messages", str(messages), "--label", "nothing", "--model", str(tmp_path / "model")) == 1
    assert "'nothing'" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_missing_file_and_a_missing_model_are_told(
    messages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say("train", "--messages", "absent.csv", "--model", str(tmp_path / "model")) == 1
    assert say("evaluate", "--messages", str(messages), "--label", "kind", "--model", str(tmp_path)) == 1
    told = capsys.readouterr().err
    assert "absent.csv" in told
    assert "model.json" in told


def test_other_verbs_are_none_of_these() -> None:
    assert commands.run(["api"]) is None
    assert commands.run([]) is None


def test_the_command_needs_no_settings(messages: Path, tmp_path: Path) -> None:
    bare = {"PATH": os.environ["PATH"]}
    argv = ["classifier", "train", "--messages", str(messages), "--label", "kind", "--model", str(tmp_path / "model")]
    done = subprocess.run(
        [sys.executable, "-m", "services.router", *argv],
        env=bare,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["labels"] == 3


def test_the_catalogue_teaches_names_descriptions_examples_and_keywords() -> None:
    lamps = Described(
        "0203001", "路灯故障", "路灯不亮、闪烁", ("门口路灯不亮", "路灯白天也亮着"), ("路灯+不亮", "灯杆")
    )
    found = list(catalogue_samples([lamps]))
    assert [one.text for one in found] == [
        "路灯故障",
        "路灯不亮、闪烁",
        "路灯不亮",
        "灯杆",
        "门口路灯不亮",
        "路灯白天也亮着",
    ]
    assert [one.text for one in found if one.is_message] == ["门口路灯不亮", "路灯白天也亮着"]
    assert {one.label for one in found} == {"0203001"}
