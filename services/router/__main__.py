"""`python -m services.router api|worker|migrate|parked|api-key`, and `catalogue|classifier|dispatch|rules …`."""

import sys

from services.router import commands

status = commands.run(sys.argv[1:])
if status is not None:
    sys.exit(status)

from services.router.app import MANIFEST  # noqa: E402  a command needs none of it
from shared.main import main  # noqa: E402

main(MANIFEST)
