"""`python -m services.sla api|worker|migrate|parked`, and `calendar|limits …`."""

import sys

from services.sla import commands

status = commands.run(sys.argv[1:])
if status is not None:
    sys.exit(status)

from services.sla.app import MANIFEST  # noqa: E402  a command brings its own
from shared.main import main  # noqa: E402

main(MANIFEST)
