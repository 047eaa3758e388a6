"""What every service says of itself, checked against the others and against the code."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import MetaData

from contracts import events
from deploy.standalone.services import MANIFESTS
from shared.app import create_app
from shared.inbox import mechanism_tables

ROOT = Path(__file__).resolve().parents[2]
PUBLIC_EVERYWHERE = {"healthz", "readyz", "show_metrics"}


def routes(service: str) -> Iterator[APIRoute]:
    for router in MANIFESTS[service].routes:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            yield route


def asks_for_an_actor(route: APIRoute) -> bool:
    pending = list(route.dependant.dependencies)
    while pending:
        dependency = pending.pop()
        if getattr(dependency.call, "requires_actor", False):
            return True
        pending += dependency.dependencies
    return False


@pytest.mark.parametrize("service", MANIFESTS)
def test_every_route_has_an_actor_or_is_listed_public(service: str) -> None:
    public = MANIFESTS[service].public
    open_routes = {route.name for route in routes(service) if not asks_for_an_actor(route)}
    assert open_routes == set(public)


@pytest.mark.parametrize("service", MANIFESTS)
def test_every_path_begins_with_a_segment_the_service_owns(service: str) -> None:
    owned = set(MANIFESTS[service].paths)
    assert {route.path.split("/")[1] for route in routes(service)} <= owned


def test_no_two_services_share_a_path() -> None:
    owners = Counter(path for manifest in MANIFESTS.values() for path in manifest.paths)
    assert [path for path, n in owners.items() if n > 1] == []


def test_every_event_has_one_publisher_and_a_consumer_or_is_external() -> None:
    published = Counter(event for manifest in MANIFESTS.values() for event in manifest.publishes)
    assert {event: n for event, n in published.items() if n != 1} == {}
    assert set(published) == set(events.ALL)
    consumed = {event for manifest in MANIFESTS.values() for event in manifest.consumes}
    assert [e.TYPE for e in events.ALL if e not in consumed and not e.EXTERNAL] == []


def test_every_event_is_published_by_the_service_it_names() -> None:
    for name, manifest in MANIFESTS.items():
        assert [e.TYPE for e in manifest.publishes if name != e.PUBLISHER] == []


@pytest.mark.parametrize("service", MANIFESTS)
def test_every_answer_that_can_refuse_is_declared(service: str) -> None:
    document = create_app(MANIFESTS[service]).openapi()
    for path, verbs in document["paths"].items():
        if path.startswith("/v1/"):
            for verb, operation in verbs.items():
                missing = {"401", "403", "404", "409", "413", "415", "422", "429", "503"} - set(operation["responses"])
                assert not missing, f"{verb} {path}: {missing}"


@pytest.mark.parametrize("service", MANIFESTS)
def test_a_services_readme_names_what_it_publishes_consumes_and_keeps(service: str) -> None:
    text = (ROOT / "services" / service / "README.md").read_text("utf-8")
    manifest = MANIFESTS[service]
    said = [event.TYPE.removesuffix(".v1") for event in (*manifest.publishes, *manifest.consumes)]
    house = MetaData()
    mechanism_tables(house)
    tables = set(manifest.metadata.tables) - set(house.tables)
    assert [name for name in (*said, *sorted(tables), *manifest.paths) if name not in text] == []
