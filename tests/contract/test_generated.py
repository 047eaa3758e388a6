"""The contracts in the repository are what the code says, and old examples keep validating."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from jsonschema_rs import Draft202012Validator

from contracts import documents, events
from deploy.contracts import generated
from shared.cloudevents import Event, EventReader

HERE = Path(__file__).resolve().parents[2] / "contracts"
EXAMPLES = sorted((HERE / "examples").rglob("*.json"))


def test_the_generated_files_are_current() -> None:
    stale = [p.name for p, text in generated().items() if not p.exists() or p.read_text("utf-8") != text]
    assert stale == [], "run `make contracts`"


def test_nothing_stands_among_the_generated_files_that_no_code_makes() -> None:
    made = set(generated())
    kept = {*(HERE / "schemas").glob("*.json"), *(HERE / "openapi").glob("*.json")}
    assert kept - made == set()


def test_every_event_has_an_example() -> None:
    assert {e.TYPE for e in events.ALL} - {p.parent.name for p in EXAMPLES} == set()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_examples_validate_for_ever(path: Path) -> None:
    """INVARIANT: what was once published can still be read. Breaks when a field is renamed, removed or narrowed."""
    example = json.loads(path.read_text("utf-8"))
    schema = json.loads((HERE / "schemas" / f"{path.parent.name}.json").read_text("utf-8"))
    Draft202012Validator(schema, validate_formats=True).validate(example)
    read = EventReader(events.ALL).read(path.read_bytes())
    assert isinstance(read.data, Event)
    assert isinstance(read.case_id, UUID)


def test_every_channel_of_the_asyncapi_document_has_its_message_and_schema() -> None:
    document = documents.asyncapi()
    for key, channel in document["channels"].items():
        assert document["components"]["messages"][key]["payload"]["$ref"].endswith(f"{channel['address']}.json")
        assert (HERE / "schemas" / f"{channel['address']}.json").exists()
