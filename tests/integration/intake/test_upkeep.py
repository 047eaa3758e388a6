"""What has had its time goes, what is under an old key moves, and the schema is what the code says."""

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.intake.app import MANIFEST
from services.intake.tables import SERIAL_BLOCK, metadata
from services.intake.upkeep import Purge, Rotation
from shared.vault import Cell, Vault
from tests.integration.intake.conftest import HOTLINE, call, jpeg, key

KEY = {"Idempotency-Key": "0192f3a0-7f3e-7cc0-8000-000000000001"}


async def run(loop):
    while await loop.run_once():
        pass
    await loop.close()


def files(tmp_path):
    return [path for path in (tmp_path / "photos").rglob("*") if path.is_file()]


async def test_a_key_is_honoured_for_two_days_and_then_gone(house):
    first = await house.http.post("/v1/letters", json={"text": "路灯不亮"}, headers=KEY)
    house.clock.advance(hours=47)
    await run(Purge(house.context))
    again = await house.http.post("/v1/letters", json={"text": "路灯不亮"}, headers=KEY)
    assert again.content == first.content
    house.clock.advance(hours=2)
    await run(Purge(house.context))
    assert (await house.counts())["idempotency_keys"] == 0
    new = await house.http.post("/v1/letters", json={"text": "路灯不亮"}, headers=KEY)
    assert new.json()["case_id"] != first.json()["case_id"]


async def test_a_photo_no_case_uses_goes_with_its_content_unless_another_has_the_same(house, tmp_path):
    lin = await house.citizen("lin")
    used = (await house.upload(lin)).json()["attachment_id"]
    await house.upload(lin)
    await house.upload(lin, jpeg("blue"))
    await house.http.post("/v1/cases", json={"text": "见照片", "attachments": [used]}, headers=lin)
    before = len(files(tmp_path))
    await run(Purge(house.context))
    assert (await house.counts())["attachments"] == 3
    house.clock.advance(hours=25)
    await run(Purge(house.context))
    assert (await house.counts())["attachments"] == 1
    assert len(files(tmp_path)) < before
    lin = await house.citizen("lin")
    assert (await house.http.get(f"/v1/attachments/{used}", headers=lin)).status_code == 200


async def test_rotation_moves_every_value_of_the_vault_under_the_current_key(open_house):
    async with open_house() as house:
        lin = await house.citizen("lin")
        number = (await house.http.post("/v1/cases", json={"text": "旧钥匙下的诉求"}, headers=lin)).json()["case_no"]
        await house.http.post("/v1/calls", json=call(), headers=HOTLINE)
    async with open_house(vault_keys=f"b:{key('b')},a:{key('a')}", vault_current="b") as house:
        await run(Rotation(house.context))
        await run(Rotation(house.context))
    async with open_house(vault_keys=f"b:{key('b')}", vault_current="b") as house:
        kids = {Vault.key_of(bytes(row.payload)) for row in await house.rows("SELECT payload FROM raw_payloads")}
        assert kids == {"b"}
        [row] = await house.rows("SELECT id, phone FROM persons WHERE phone IS NOT NULL")
        assert house.parts.vault.decrypt(bytes(row.phone), Cell("persons", "phone", row.id)) == "13812345678"
        lin = await house.citizen("lin")
        assert (await house.http.get(f"/v1/cases/{number}", headers=lin)).json()["text"] == "旧钥匙下的诉求"


async def test_the_migrations_make_what_the_tables_say(house):
    """INVARIANT: a fresh database and the metadata are the same schema."""

    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    async with house.context.db.engine.connect() as connection:
        found = await connection.run_sync(differences)
    assert [each for each in found if "alembic_version" not in str(each)] == []
    [sequence] = await house.rows("SELECT increment_by FROM pg_sequences WHERE sequencename = 'case_serial_blocks'")
    assert sequence.increment_by == SERIAL_BLOCK


async def test_the_first_keys_are_admitted_once(house):
    await MANIFEST.seed(house.context)
    await MANIFEST.seed(house.context)
    assert [row.name for row in await house.rows("SELECT name FROM api_keys")] == ["hotline"]


async def test_serials_are_never_given_twice_over_processes(open_house):
    async with open_house() as one, open_house() as two:
        answers = await asyncio.gather(
            *(house.http.post("/v1/calls", json=call(), headers=HOTLINE) for _ in range(80) for house in (one, two))
        )
    assert len({answer.json()["case_no"] for answer in answers}) == 160
