"""`python -m services.router classifier train|evaluate|crossvalidate`: without a database and without settings."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from shared.errors import DomainError

PACKAGE = "services.router.learning"
"""Each verb is a module of it, imported when it is called: only training needs scikit-learn."""


def run(argv: Sequence[str]) -> int:
    """0 when it was done, 1 when something is wrong, which has been told on stderr."""
    parser = argparse.ArgumentParser(prog="python -m services.router classifier", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="learn from labelled files; from the catalogue's own texts without any")
    evaluate = verbs.add_parser("evaluate", help="how good a stored model is; one JSON object on the last line")
    cross = verbs.add_parser("crossvalidate", help="how good a model of these messages would be on others")
    for verb in (train, evaluate, cross):
        verb.add_argument(
            "--messages", type=Path, action="append", default=[], required=verb is not train,
            help="CSV or JSON-lines, also .gz; may be given several times",
        )  # fmt: skip
        verb.add_argument("--label", default="label", help="column of the label")
        verb.add_argument(
            "--text", action="append", default=[],
            help="column of the text (text); once for all files or once for each, in order",
        )  # fmt: skip
    for verb in (train, evaluate):
        verb.add_argument("--model", type=Path, required=True, help="folder of the model")
    cross.add_argument("--folds", type=int, default=5)
    cross.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args(argv)
    if len(arguments.text) > 1 and len(arguments.text) != len(arguments.messages):
        parser.error("give --text once, or once for every --messages")
    try:
        status: int = import_module(f"{PACKAGE}.{arguments.verb}_command").run(arguments)
    except DomainError as refused:
        print(f"{refused} {refused.zh}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return status
