"""Owns the question a container asks itself: `python -m deploy.healthy <port> <path>` fails unless 200 comes back."""

import http.client
import sys

TIMEOUT_SECONDS = 4.0


def healthy(port: int, path: str) -> bool:
    """Asks this machine only, and never through a proxy, whatever the environment says about proxies."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        link.request("GET", path)
        return link.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


if __name__ == "__main__":
    sys.exit(0 if healthy(int(sys.argv[1]), sys.argv[2]) else 1)
