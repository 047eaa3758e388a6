"""`python -m services.router api|worker|migrate|parked|api-key`."""

from services.router.app import MANIFEST
from shared.main import main

main(MANIFEST)
