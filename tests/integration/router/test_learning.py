"""What was thought of requests and what people decided: counted per version, learned from, taken over while running."""

import random
from datetime import timedelta

from services.router import judgements, models
from services.router.learning import building
from services.router.learning.samples import Sample
from services.router.usecases import learning
from tests.integration.router.desk import GARBAGE, House, Person
from tests.integration.router.test_desk import VAGUE

LAMPS = "0203001"
# Words no rule of the catalogue knows.
HEARD = {
    GARBAGE: "绿莹莹 泡沫球 嘟噜噜 团团转 软趴趴 黏糊糊 咕嘟嘟 灰扑扑",
    LAMPS: "黑咕隆咚 摸瞎走 伸手不见 亮堂堂 昏沉沉 一闪一灭 暗乎乎 瞧不清",
}


def samples() -> list[Sample]:
    chance = random.Random(7)
    return [
        Sample("", "，".join(chance.sample(words.split(), 4)) + f"，{chance.randrange(100, 999)}号", label)
        for label, words in HEARD.items()
        for _ in range(30)
    ]


async def taught(house: House) -> str:
    """A small model in the database, taken over as running processes do."""
    context = house.context
    model = building.build(samples()).model
    content = learning.document(model, samples(), {"accuracy": 1.0}, house.clock.now())
    async with context.begin() as tx:
        await models.keep(tx.connection, model.version, content, edition="2019", metrics={}, now=house.clock.now())
        await tx.rulebook.refresh(tx.connection)
    return model.version


async def quality(dispatcher: Person) -> dict[str, object]:
    answer = await dispatcher.get("/desk/classifier")
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_overrides_and_confirmations_are_counted_for_the_version_that_judged(
    house: House, dispatcher: Person
) -> None:
    await house.submit()
    waiting = [await house.submit(**VAGUE) for _ in range(2)]
    for case_id, code in zip(waiting, (GARBAGE, LAMPS), strict=True):
        await dispatcher.did(f"/desk/cases/{case_id}/classification", {"category_code": code})
    found = await quality(dispatcher)
    assert found["in_use"] == "rules"
    (rules,) = found["versions"]  # type: ignore[misc]
    assert (rules["version"], rules["cases"], rules["queued"], rules["decided"]) == ("rules", 3, 2, 2)
    assert rules["abstain_rate"] == round(2 / (3 - rules["explicit"]), 4)


async def test_what_people_decided_becomes_training_data_unless_it_was_blanked(
    house: House, dispatcher: Person
) -> None:
    kept, blanked = [await house.submit(**{**VAGUE, "title": title}) for title in ("留", "删")]
    for case_id in (kept, blanked):
        await dispatcher.did(f"/desk/cases/{case_id}/classification", {"category_code": LAMPS})
    async with house.context.begin() as tx:
        found = await judgements.decided_cases(tx.connection, page=1)
        assert sorted((title, label) for title, _, label in found) == [("删", LAMPS), ("留", LAMPS)]
    await house.rows("UPDATE cases SET title = '', text = '' WHERE case_id = :case RETURNING 1", case=blanked)
    async with house.context.begin() as tx:
        assert [title for title, _, _ in await judgements.decided_cases(tx.connection)] == ["留"]


async def test_a_running_process_takes_a_model_over_and_tells_what_decided(house: House, dispatcher: Person) -> None:
    said = "晚上黑咕隆咚的，只能摸瞎走，瞧不清脚下"
    before = await house.submit(**{**VAGUE, "text": said})
    version = await taught(house)
    after = await house.submit(**{**VAGUE, "text": said})
    assert [event.data.method for event in (await house.emitted(before))[:1]] == ["rules"]
    judged = (await house.emitted(after))[0].data
    assert (judged.method, judged.category_code, judged.queued) == ("learned", LAMPS, False)
    assert judged.reasons[0].kind == "learned"
    assert (await quality(dispatcher))["in_use"] == version


async def test_a_model_that_cannot_be_read_changes_nothing(house: House, dispatcher: Person) -> None:
    version = await taught(house)
    async with house.context.begin() as tx:
        later = house.clock.now() + timedelta(minutes=1)
        await models.keep(tx.connection, "broken", b"no model", edition="2019", metrics={}, now=later)
    async with house.context.begin() as tx:
        await tx.rulebook.refresh(tx.connection)
    assert (await quality(dispatcher))["in_use"] == version
