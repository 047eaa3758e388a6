"""The desk's tables, by what they are about."""

from services.router.tables.accounts import accounts, login_failures
from services.router.tables.beside import rulings, tasks
from services.router.tables.cases import case_log, case_tags, cases, erased_citizens, kept_answers, orders
from services.router.tables.departments import deliveries, feed, feed_heads, webhooks
from services.router.tables.metadata import metadata
from services.router.tables.rules import catalogue_versions, judgements, models

__all__ = [
    "accounts",
    "case_log",
    "case_tags",
    "cases",
    "catalogue_versions",
    "deliveries",
    "erased_citizens",
    "feed",
    "feed_heads",
    "judgements",
    "kept_answers",
    "login_failures",
    "metadata",
    "models",
    "orders",
    "rulings",
    "tasks",
    "webhooks",
]
