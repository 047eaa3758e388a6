"""Events in their envelope: CloudEvents 1.0, structured JSON."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.ids import new_id

DOMAIN = "huying."


class Event(BaseModel):
    """What happened, in the past tense; `TYPE` is `noun.verb.v1`, and also the subject it travels under."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    PUBLISHER: ClassVar[str]
    STREAM: ClassVar[str] = ""
    """Stream of its own; empty means the publisher's."""
    EXTERNAL: ClassVar[bool] = False
    """True when nobody inside listens: it is there for the outside world."""

    @classmethod
    def stream(cls) -> str:
        return cls.STREAM or cls.PUBLISHER.upper()


class Undecodable(Exception):
    """The message is not an event this service knows how to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope[E: Event]:
    """An event with who said it, about which case, in which order, and what led to it."""

    id: UUID
    type: str
    source: str
    case_id: UUID
    """CloudEvents `subject` and `correlationid`."""
    sequence: int
    """Position among this publisher's events on this case, from 1 without a gap; 0 when it is not about one case."""
    time: datetime
    data: E
    causation_id: UUID | None = None
    traceparent: str | None = None

    @classmethod
    def of(
        cls,
        data: E,
        *,
        case_id: UUID,
        sequence: int,
        now: datetime,
        causation_id: UUID | None = None,
        traceparent: str | None = None,
    ) -> "Envelope[E]":
        return cls(
            id=new_id(),
            type=data.TYPE,
            source=data.PUBLISHER,
            case_id=case_id,
            sequence=sequence,
            time=now,
            data=data,
            causation_id=causation_id,
            traceparent=traceparent,
        )

    def to_json(self) -> bytes:
        body: dict[str, Any] = {
            "specversion": "1.0",
            "id": str(self.id),
            "type": DOMAIN + self.type,
            "source": "/" + self.source,
            "subject": str(self.case_id),  # a driver's own subclass of UUID is none to the serialiser
            "time": self.time,
            "datacontenttype": "application/json",
            "sequence": self.sequence,
            "correlationid": str(self.case_id),
            "data": self.data.model_dump(mode="json"),
        }
        if self.causation_id is not None:
            body["causationid"] = str(self.causation_id)
        if self.traceparent is not None:
            body["traceparent"] = self.traceparent
        return orjson.dumps(body)


type AnyEnvelope = Envelope[Any]


class EventReader:
    """Turns bytes into envelopes for the event types a service consumes; other types come back without data."""

    def __init__(self, models: Iterable[type[Event]]) -> None:
        self._models = {model.TYPE: model for model in models}

    def read(self, raw: bytes) -> AnyEnvelope:
        try:
            body = orjson.loads(raw)
            kind = body["type"].removeprefix(DOMAIN)
            model = self._models.get(kind)
            causation = body.get("causationid")
            return Envelope(
                id=UUID(body["id"]),
                type=kind,
                source=body["source"].removeprefix("/"),
                case_id=UUID(body["subject"]),
                sequence=int(body.get("sequence", 0)),
                time=datetime.fromisoformat(body["time"]),
                data=None if model is None else model.model_validate(body["data"]),
                causation_id=UUID(causation) if causation else None,
                traceparent=body.get("traceparent"),
            )
        except ValidationError as error:
            # pydantic's text would repeat the input, which may hold what must not reach a log.
            places = ", ".join(
                ".".join(map(str, e["loc"])) + ": " + e["type"] for e in error.errors(include_input=False)
            )
            raise Undecodable(places) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Undecodable(type(error).__name__) from None
