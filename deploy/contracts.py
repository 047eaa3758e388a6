"""Writes, or checks, the generated contracts: `python -m deploy.contracts [--check]`."""

import argparse
import json
import sys
from pathlib import Path

import yaml

from contracts import documents, events
from deploy.standalone.services import MANIFESTS
from shared.app import create_app

HERE = Path(__file__).resolve().parent.parent / "contracts"


def generated() -> dict[Path, str]:
    """Every generated file and what must stand in it."""
    files = {
        HERE / "asyncapi.yaml": yaml.safe_dump(documents.asyncapi(), sort_keys=True, allow_unicode=True, width=120)
    }
    for event in events.ALL:
        files[HERE / "schemas" / f"{event.TYPE}.json"] = _json(documents.schema_of(event))
    for name, manifest in MANIFESTS.items():
        files[HERE / "openapi" / f"{name}.json"] = _json(create_app(manifest).openapi())
    return files


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a file is not what the code says")
    check = parser.parse_args().check
    stale = []
    for path, text in generated().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    print(f"{'stale' if check else 'written'}: {', '.join(stale) or 'nothing'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
