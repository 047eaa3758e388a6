"""The schema all of the reply's tables are in, with the house's own."""

from sqlalchemy import MetaData

from shared.inbox import mechanism_tables

metadata = MetaData()
mechanism_tables(metadata)
