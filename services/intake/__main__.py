"""`python -m services.intake api|worker|migrate|parked|api-key`."""

from services.intake.app import MANIFEST
from shared.main import main

main(MANIFEST)
