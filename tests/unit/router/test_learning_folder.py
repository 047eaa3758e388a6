"""A stored model: the same after loading, and refused when anything of it is missing, changed or of another program."""

import json
from pathlib import Path

import numpy as np
import pytest

from services.router.learning import folder
from services.router.learning.building import Built, build
from services.router.learning.folder import DamagedModel
from tests.unit.router.learning_letters import letters


@pytest.fixture(scope="module")
def built() -> Built:
    return build(letters())


@pytest.fixture
def stored(built: Built, tmp_path: Path) -> Path:
    place = tmp_path / "model"
    save(place, built)
    return place


def save(place: Path, built: Built) -> None:
    folder.save(place, built.model, trained_at="2026-01-05T08:00:00+00:00", labels={"噪声": 12}, metrics=built.metrics)


def arrays(place: Path) -> Path:
    (found,) = place.glob("arrays-*.npz")
    return found


def test_a_loaded_model_judges_as_the_one_that_was_stored(built: Built, stored: Path) -> None:
    loaded = folder.load(stored)
    for one in letters():
        assert loaded.predict("", one.text) == built.model.predict("", one.text)


def test_the_card_says_what_it_was_made_of(built: Built, stored: Path) -> None:
    card = folder.read_card(stored)
    assert card.version == built.model.version
    assert card.trained_at == "2026-01-05T08:00:00+00:00"
    assert card.samples_per_label == {"噪声": 12}
    assert card.metrics == built.metrics


def test_no_text_of_the_messages_is_in_the_folder(stored: Path) -> None:
    everything = b"".join(file.read_bytes() for file in stored.iterdir())
    assert "打桩".encode() not in everything
    assert "打桩".encode("utf-32-le") not in everything


def test_without_pickle(stored: Path) -> None:
    with np.load(arrays(stored), allow_pickle=False) as found:
        assert {found[name].dtype.kind for name in found.files} <= {"u", "f"}


def test_a_folder_without_a_card_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(DamagedModel, match="no model"):
        folder.load(tmp_path)


@pytest.mark.parametrize("body", ["", "[]", "{}", "not JSON", '{"format": "other", "sha256": ""}'])
def test_a_foreign_card_is_refused(stored: Path, body: str) -> None:
    (stored / "model.json").write_text(body, encoding="utf-8")
    with pytest.raises(DamagedModel):
        folder.load(stored)


def test_a_changed_card_is_refused(stored: Path) -> None:
    card = json.loads((stored / "model.json").read_text(encoding="utf-8"))
    card["metrics"] = {"accuracy": 0.999}
    (stored / "model.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(DamagedModel, match="changed"):
        folder.load(stored)


def test_another_format_is_refused_by_name(stored: Path) -> None:
    text = (stored / "model.json").read_text(encoding="utf-8").replace(folder.FORMAT, "huying-classifier-0")
    (stored / "model.json").write_text(text, encoding="utf-8")
    with pytest.raises(DamagedModel, match="huying-classifier-0"):
        folder.load(stored)


def test_damaged_arrays_are_refused(stored: Path) -> None:
    file = arrays(stored)
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(body)
    with pytest.raises(DamagedModel, match="is not the file"):
        folder.load(stored)


def test_missing_arrays_are_told(stored: Path) -> None:
    arrays(stored).unlink()
    with pytest.raises(DamagedModel, match="no arrays"):
        folder.load(stored)


def test_a_new_model_takes_the_place_of_the_old_one_whose_arrays_stay_for_a_reader(built: Built, stored: Path) -> None:
    other = build(letters()[:24])
    save(stored, other)
    assert folder.load(stored).version == other.model.version
    assert len(list(stored.glob("arrays-*.npz"))) == 2
    save(stored, build(letters()[6:30]))
    assert len(list(stored.glob("arrays-*.npz"))) == 2
