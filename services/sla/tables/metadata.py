"""The schema all of the stopwatch's tables are in, with the house's own."""

from sqlalchemy import Column, DateTime, MetaData

from shared.inbox import mechanism_tables

metadata = MetaData()
mechanism_tables(metadata)


def instant(name: str, *, required: bool = False) -> "Column[object]":
    return Column(name, DateTime(timezone=True), nullable=not required)
