"""Owns finding what stands twice in a table."""

from collections.abc import Iterable, Sequence

from services.router.catalogue.sheet import Row

type Rows[T] = Sequence[tuple[Row, T]]
"""Values, each with the line it came from."""


def unique(values: Iterable[tuple[Row, str]], column: str) -> None:
    """Every value once; a repeated one names where it stood first."""
    first: dict[str, Row] = {}
    for row, value in values:
        before = first.setdefault(value, row)
        if before is not row:
            where = f"line {before.number}" if before.file == row.file else str(before)
            place = f"第{before.number}行" if before.file == row.file else f"{before.file}第{before.number}行"
            row.wrong(column, f"repeats {where}", f"与{place}重复")
