"""Structured logs: one JSON object a line, on standard error."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter


def configure(service: str, level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            static_fields={"service": service},
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # httpx writes whole addresses at INFO; an address may carry a WeChat code.
    for noisy in ("httpx", "httpcore", "nats", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
