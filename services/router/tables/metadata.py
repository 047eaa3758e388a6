"""The schema all of the desk's tables are in, with the house's own."""

from sqlalchemy import Column, DateTime, MetaData

from shared.apikeys import api_key_table
from shared.inbox import mechanism_tables

metadata = MetaData()
mechanism_tables(metadata)
api_key_table(metadata)


def instant(name: str, *, required: bool = False) -> "Column[object]":
    return Column(name, DateTime(timezone=True), nullable=not required)
