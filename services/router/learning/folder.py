"""Owns the model as a folder: arrays as .npz without pickle, everything else as JSON, both under a checksum."""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from services.router.learning.model import Model
from services.router.learning.recipe import Recipe
from services.router.learning.stage import Link, Stage
from shared.errors import DomainError

FORMAT = "huying-classifier-1"
CARD = "model.json"
KEPT = 2
"""The arrays before the newest stay: somebody may just have read the card that names them."""
PARTS = ("keys", "scales", "weights", "intercept")


class DamagedModel(DomainError):
    """The folder holds no usable model."""

    kind = "unavailable"
    zh = "分类模型文件夹不可用"


class _StageCard(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: tuple[str, ...]
    link: Link


class Card(BaseModel):
    """What a person wants to know of a model, and what is needed to load it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    version: str
    trained_at: str
    samples: int
    samples_per_label: dict[str, int]
    metrics: dict[str, Any] = Field(description="of its own cross-validation")
    recipe: Recipe
    stages: dict[str, _StageCard]
    """The first one under the empty name, then each branch under its label."""
    arrays_sha256: str = Field(pattern="^[0-9a-f]{64}$")


def save(folder: Path, model: Model, *, trained_at: str, labels: Mapping[str, int], metrics: Mapping[str, Any]) -> None:
    """Until the new card stands the folder holds the model it held before, so a running router may read meanwhile."""
    stages = {"": model.first, **model.branches}
    arrays = {f"{n}.{part}": getattr(stage, part) for n, stage in enumerate(stages.values()) for part in PARTS}
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    digest = hashlib.sha256(packed.getbuffer()).hexdigest()
    card = Card(
        format=FORMAT,
        version=model.version,
        trained_at=trained_at,
        samples=sum(labels.values()),
        samples_per_label=dict(labels),
        metrics=dict(metrics),
        recipe=model.recipe,
        stages={name: _StageCard(labels=stage.labels, link=stage.link) for name, stage in stages.items()},
        arrays_sha256=digest,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _arrays(digest)).write_bytes(packed.getbuffer())
    body = card.model_dump(mode="json")
    text = json.dumps({"sha256": _seal(body), **body}, ensure_ascii=False, indent=1)
    coming = folder / f"{CARD}.new"
    coming.write_text(text + "\n", encoding="utf-8")
    coming.replace(folder / CARD)
    stored = sorted(folder.glob("arrays-*.npz"), key=lambda file: file.stat().st_mtime_ns)
    for old in stored[:-KEPT]:
        old.unlink()


def _arrays(digest: str) -> str:
    return f"arrays-{digest[:12]}.npz"


def read_card(folder: Path) -> Card:
    try:
        body = json.loads((folder / CARD).read_text(encoding="utf-8"))
        seal = body.pop("sha256")
        card = Card.model_validate(body)
    except FileNotFoundError as error:
        raise DamagedModel(f"{folder.name}: no {CARD}") from error
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise DamagedModel(f"{folder.name}: {CARD} is not the card of a classifier") from error
    if card.format != FORMAT:
        raise DamagedModel(f"{folder.name}: format {card.format!r}, this program reads {FORMAT!r}")
    if seal != _seal(body):
        raise DamagedModel(f"{folder.name}: {CARD} was changed after it was written")
    return card


def load(folder: Path) -> Model:
    """Raises `DamagedModel` for a folder that is incomplete, changed, or of another program."""
    card = read_card(folder)
    file = folder / _arrays(card.arrays_sha256)
    try:
        packed = file.read_bytes()
    except OSError as error:
        raise DamagedModel(f"{folder.name}: no {file.name}") from error
    if hashlib.sha256(packed).hexdigest() != card.arrays_sha256:
        raise DamagedModel(f"{folder.name}: {file.name} is not the file the card was written for")
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            stages = {name: _stage(n, one, arrays) for n, (name, one) in enumerate(card.stages.items())}
    except (KeyError, ValueError) as error:
        raise DamagedModel(f"{folder.name}: {file.name} does not fit the card") from error
    first = stages.pop("", None)
    if first is None or (stages and set(first.labels) != set(stages)):
        raise DamagedModel(f"{folder.name}: the stages do not fit together")
    return Model(version=card.version, recipe=card.recipe, first=first, branches=stages)


def _stage(number: int, card: _StageCard, arrays: Mapping[str, NDArray[Any]]) -> Stage:
    keys, scales, weights, intercept = (arrays[f"{number}.{part}"] for part in PARTS)
    stage = Stage(card.labels, keys, scales, weights, intercept, card.link)
    if (
        weights.shape != (len(keys), len(card.labels))
        or scales.shape != keys.shape
        or len(intercept) != len(card.labels)
    ):
        raise ValueError(number)
    return stage


def _seal(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
