"""The desk's tables, by what they are about."""

from services.router.tables.accounts import accounts, login_failures
from services.router.tables.beside import rulings, tasks
from services.router.tables.cases import case_log, case_tags, cases, erased_citizens, kept_answers, orders
from services.router.tables.departments import deliveries, feed, feed_heads, webhooks
from services.router.tables.merges import signatures, supplements
from services.router.tables.metadata import metadata
from services.router.tables.people import account_log, case_reads, duties, emergencies, grants, sessions
from services.router.tables.rules import catalogue_versions, judgements, models

__all__ = [
    "account_log",
    "accounts",
    "case_log",
    "case_reads",
    "case_tags",
    "cases",
    "catalogue_versions",
    "deliveries",
    "duties",
    "emergencies",
    "erased_citizens",
    "feed",
    "feed_heads",
    "grants",
    "judgements",
    "kept_answers",
    "login_failures",
    "metadata",
    "models",
    "orders",
    "rulings",
    "sessions",
    "signatures",
    "supplements",
    "tasks",
    "webhooks",
]
