"""Many rows in one message: new ones by COPY, changes as one array per column."""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
from sqlalchemy import Table, Update, and_, bindparam, func, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import TableValuedAlias

_BEGIN = text("SELECT 1")


async def copy_in(
    connection: AsyncConnection, table: str, names: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """New rows by COPY: no parameter is bound, and no statement planned, for any of them."""
    if rows:
        driver = await driver_of(connection)
        await driver.copy_records_to_table(table, records=rows, columns=names)


async def driver_of(connection: AsyncConnection) -> "asyncpg.Connection[Any]":
    """The driver's own connection, inside the transaction, which SQLAlchemy begins only with its first statement."""
    raw = await connection.get_raw_connection()
    driver: asyncpg.Connection[Any] | None = raw.driver_connection
    assert driver is not None
    if not driver.is_in_transaction():
        await connection.execute(_BEGIN)
    return driver


def rows_of(table: Table, names: Iterable[str]) -> TableValuedAlias:
    """`unnest($1, $2, …)`: what `arrays` of these names holds, as rows."""
    names = list(names)
    given = func.unnest(*(bindparam(f"all_{name}", type_=ARRAY(table.c[name].type, dimensions=1)) for name in names))
    return given.table_valued(*(table.c[name] for name in names)).render_derived(name="given")


def bulk_update(table: Table, keys: Sequence[str], names: Sequence[str]) -> Update:
    rows = rows_of(table, [*keys, *names])
    changes: dict[str, Any] = {name: rows.c[name] for name in names}
    return update(table).values(changes).where(and_(*(table.c[key] == rows.c[key] for key in keys)))


def arrays(names: Sequence[str], rows: Sequence[Sequence[object]]) -> dict[str, list[object]]:
    """Rows turned into one list per column, under the names the statements ask for."""
    return {f"all_{name}": list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
