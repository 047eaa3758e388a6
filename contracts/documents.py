"""AsyncAPI 3 and JSON Schemas, made from the event models, which are the only source."""

from typing import Any

from contracts import events
from shared.cloudevents import DOMAIN, Event

type Document = dict[str, Any]

STREAMS = {
    "INTAKE": "What the register says.",
    "CONTACTS": "Sealed contact points; a work queue, gone once acked.",
    "ROUTER": "What the desk says.",
    "SLA": "What the stopwatch says.",
    "FEEDBACK": "What the reply says.",
}


def schema_of(event: type[Event]) -> Document:
    """JSON Schema (2020-12) of the whole CloudEvent an event travels in."""
    data = event.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions = data.pop("$defs", {})
    uuid = {"type": "string", "format": "uuid"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:huying:event:{event.TYPE}",
        "title": event.__name__,
        "description": (event.__doc__ or event.__name__).strip(),
        "type": "object",
        "required": ["specversion", "id", "type", "source", "subject", "time", "sequence", "correlationid", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**uuid, "description": "Unique; the same event seen again has the same id."},
            "type": {"const": DOMAIN + event.TYPE},
            "source": {"const": f"/{event.PUBLISHER}"},
            "subject": {**uuid, "description": "The case (or the citizen, where sequence is 0)."},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "sequence": {
                "type": "integer",
                "minimum": 0,
                "description": "Place among this publisher's events on this case, without a gap.",
            },
            "correlationid": {**uuid, "description": "The case."},
            "causationid": {**uuid, "description": "The event that led here."},
            "traceparent": {"type": "string"},
            "data": data,
        },
        "$defs": definitions,
    }


def asyncapi() -> Document:
    """AsyncAPI 3.0: one channel per event type, the message schemas by reference."""
    channels: Document = {}
    operations: Document = {}
    messages: Document = {}
    for event in sorted(events.ALL, key=lambda e: e.TYPE):
        key = event.TYPE.replace(".", "_")
        messages[key] = {
            "name": event.TYPE,
            "title": event.__name__,
            "summary": (event.__doc__ or event.__name__).strip().splitlines()[0],
            "contentType": "application/cloudevents+json",
            "payload": {"$ref": f"./schemas/{event.TYPE}.json"},
        }
        channels[key] = {
            "address": event.TYPE,
            "messages": {key: {"$ref": f"#/components/messages/{key}"}},
            "bindings": {"nats": {}},
            "x-stream": event.stream(),
        }
        operations[f"{event.PUBLISHER}_{key}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{key}"},
            "messages": [{"$ref": f"#/channels/{key}/messages/{key}"}],
            "tags": [{"name": event.PUBLISHER}],
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Huying events",
            "version": "1",
            "description": "CloudEvents 1.0, structured JSON, on NATS JetStream. Delivered at least once.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
        "x-streams": STREAMS,
    }
