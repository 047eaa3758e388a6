"""`python -m services.feedback api|worker|migrate|parked`, and `projection rebuild`."""

import sys

from services.feedback import commands
from services.feedback.app import MANIFEST
from shared.main import main

status = commands.run(sys.argv[1:])
if status is not None:
    sys.exit(status)
main(MANIFEST)
