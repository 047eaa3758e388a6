"""Statements that write many rows in one message: the rows travel as one array per column."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Insert, Table, Update, and_, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import TableValuedAlias


def rows_of(table: Table, names: Iterable[str]) -> TableValuedAlias:
    """`unnest($1, $2, …)`: what `arrays` of these names holds, as rows."""
    names = list(names)
    given = func.unnest(*(bindparam(f"all_{name}", type_=ARRAY(table.c[name].type)) for name in names))
    return given.table_valued(*(table.c[name] for name in names)).render_derived(name="given")


def bulk_insert(table: Table, names: Sequence[str]) -> Insert:
    rows = rows_of(table, names)
    return insert(table).from_select(list(names), select(*(rows.c[name] for name in names)), include_defaults=False)


def bulk_update(table: Table, keys: Sequence[str], names: Sequence[str]) -> Update:
    rows = rows_of(table, [*keys, *names])
    changes: dict[str, Any] = {name: rows.c[name] for name in names}
    return update(table).values(changes).where(and_(*(table.c[key] == rows.c[key] for key in keys)))


def arrays(names: Sequence[str], rows: Sequence[Sequence[object]]) -> dict[str, list[object]]:
    """Rows turned into one list per column, under the names the statements ask for."""
    return {f"all_{name}": list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
