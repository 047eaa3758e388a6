"""A model of the whole shipped catalogue in the running desk: trained by the command's use case, taken over, judged by."""

import csv
from pathlib import Path

import pytest

from contracts.events.intake import Place
from contracts.events.router import CaseClassified
from services.router.usecases import learning
from tests.integration.router.desk import House, Person
from tests.integration.router.test_learning import quality
from tests.integration.router.test_simulation import no

MESSAGES = Path(__file__).resolve().parents[3] / "deploy" / "demo" / "messages.csv"
pytestmark = pytest.mark.slow


async def judged(house: House) -> list[tuple[str, CaseClassified]]:
    """Every message of the demonstration with nothing chosen by its sender, and what the desk made of it."""
    with MESSAGES.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["category_code"]]
    found = []
    for at, row in enumerate(rows):
        said = {"title": row["title"], "text": row["text"], "place": Place(area_code=row["area"] or None)}
        case_id = await house.submit(case_no=no(at % 100), category_code=None, type_code=None, **said)
        first = (await house.emitted(case_id))[0].data
        assert isinstance(first, CaseClassified)
        found.append((row["category_code"], first))
    return found


async def test_the_catalogues_own_model_decides_more_than_the_rules_and_is_right_as_often_as_it_says(
    house: House, dispatcher: Person
) -> None:
    by_rules = await judged(house)
    trained = await learning.retrain(house.context)
    async with house.context.begin() as tx:
        await tx.rulebook.refresh(tx.connection)
    with_model = await judged(house)
    assert (await quality(dispatcher))["in_use"] == trained.version
    filed = [(code, one) for code, one in with_model if not one.queued]
    learned = [(code, one) for code, one in filed if one.method == "learned"]
    assert len(filed) > len([one for _, one in by_rules if not one.queued])
    assert learned
    assert all(one.reasons[0].kind == "learned" and one.reasons[0].text for _, one in learned)
    right = sum(code == one.category_code for code, one in learned) / len(learned)
    expected = sum(one.confidence for _, one in learned) / len(learned)
    assert right > expected - 0.15
