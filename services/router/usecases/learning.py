"""Learning from what the running system knows: the catalogue's texts, what people decided, who handled what and how late."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from services.router import handled, judgements, models
from services.router.learning import folder
from services.router.learning.catalogue_texts import catalogue_samples
from services.router.learning.experience import Experience
from services.router.learning.model import Model
from services.router.learning.samples import Sample
from services.router.settings import Settings
from services.router.store import Tx
from shared.context import Context

type Here = Context[Settings, Tx]


@dataclass(frozen=True, slots=True)
class Trained:
    version: str
    decided: int
    """Decided cases among the samples."""
    metrics: Mapping[str, Any]


async def retrain(here: Here) -> Trained:
    """Learn anew and keep the model; running processes take it over within seconds. The work is done in a thread."""
    now = here.clock.now()
    async with here.begin() as tx:
        await tx.rulebook.ready(tx.connection)
        found = tx.rulebook.in_force(now).rules.catalogue
        rows = await judgements.decided_cases(tx.connection)
    decided = [Sample(title, text, label) for title, text, label in rows if label in found.categories]
    samples = [*catalogue_samples(found.categories.values()), *decided]
    version, content, metrics = await asyncio.to_thread(_learned, samples, now)
    said = {"samples": len(samples), "decided": len(decided), **metrics}
    async with here.begin() as tx:
        await models.keep(tx.connection, version, content, edition=found.edition.id, metrics=said, now=now)
    return Trained(version, len(decided), said)


async def gather_experience(here: Here) -> Experience | None:
    """Learn which units such cases went to and how late they were; None while too few have been handled."""
    now = here.clock.now()
    async with here.begin() as tx:
        await tx.rulebook.ready(tx.connection)
        found = tx.rulebook.in_force(now).rules.catalogue
        records = await handled.read(tx.connection, found)
    if len(records.rows) < here.settings.experience_from_cases:
        return None
    learned = await asyncio.to_thread(Experience.learn, records)
    content, said = learned.packed(), {"cases": learned.cases}
    async with here.begin() as tx:
        await models.keep(
            tx.connection, learned.version, content, edition=found.edition.id, metrics=said, now=now, kind="experience"
        )
    return learned


def _learned(samples: Sequence[Sample], now: datetime) -> tuple[str, bytes, Mapping[str, Any]]:
    from services.router.learning import building  # noqa: PLC0415  scikit-learn takes a second to import

    built = building.build(samples)
    return built.model.version, document(built.model, samples, built.metrics, now), built.metrics


def document(model: Model, samples: Sequence[Sample], metrics: Mapping[str, Any], now: datetime) -> bytes:
    """A model as it is kept, with the card of what it was made from."""
    labels = Counter(sample.label for sample in samples)
    with tempfile.TemporaryDirectory(prefix="huying-model-") as place:
        folder.save(Path(place), model, trained_at=now.isoformat(), labels=labels, metrics=metrics)
        return models.packed(Path(place))
