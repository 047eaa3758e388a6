"""The yardstick: what a careful developer writes first — FastAPI, Pydantic, asyncpg, one transaction with two inserts.

It takes the same body and writes a case row and an outbox row of the same sizes; it knows no login, no vault, no
number and no idempotency.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson
from fastapi import FastAPI
from pydantic import BaseModel, Field
from uuid_utils.compat import uuid7

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS baseline;
CREATE TABLE IF NOT EXISTS baseline.cases (
  case_id uuid PRIMARY KEY, title text NOT NULL, text text NOT NULL, type_code text, category_code text,
  place jsonb NOT NULL, received_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS baseline.outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id uuid NOT NULL, subject text NOT NULL,
  body bytea NOT NULL, published_at timestamptz
);
CREATE INDEX IF NOT EXISTS ix_unpublished ON baseline.outbox (position) WHERE published_at IS NULL;
"""
URL = "BASELINE_DATABASE_URL"


class Position(BaseModel):
    lat: float
    lon: float
    system: Literal["gcj02", "wgs84"]


class Place(BaseModel):
    address: str = Field("", max_length=200)
    area_code: str | None = None
    position: Position | None = None


class Submission(BaseModel):
    text: str = Field(min_length=2, max_length=5000)
    title: str = Field("", max_length=100)
    type_code: str | None = None
    category_code: str | None = None
    place: Place = Place()


class Receipt(BaseModel):
    case_id: UUID
    received_at: datetime


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ[URL], min_size=8, max_size=8) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/v1/cases", status_code=201)
async def submit(said: Submission) -> Receipt:
    case_id, now = uuid7(), datetime.now(UTC)
    body = orjson.dumps(event(case_id, said, now))
    async with app.state.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO baseline.cases VALUES ($1, $2, $3, $4, $5, $6, $7)",
            case_id,
            said.title,
            said.text,
            said.type_code,
            said.category_code,
            said.place.model_dump_json(),
            now,
        )
        await connection.execute(
            "INSERT INTO baseline.outbox (event_id, subject, body) VALUES ($1, $2, $3)",
            uuid7(),
            "case.submitted.v1",
            body,
        )
    return Receipt(case_id=case_id, received_at=now)


def event(case_id: UUID, said: Submission, now: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": uuid7(),
        "type": "huying.case.submitted.v1",
        "source": "/intake",
        "subject": case_id,
        "time": now,
        "datacontenttype": "application/json",
        "sequence": 1,
        "correlationid": case_id,
        "data": {
            **said.model_dump(mode="json"),
            "case_no": "PS24112400012373",
            "look_up_hash": "0" * 64,
            "channel_code": "wechat_pingshan",
            "origin_channel_code": "wechat_pingshan",
            "citizen_id": case_id,
            "anonymous": False,
            "confidential": False,
            "reply_wanted": True,
            "accused_unit_code": None,
            "attachments": [],
            "occurred_at": None,
            "received_at": now,
        },
    }
