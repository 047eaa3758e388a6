"""`python -m services.sla api|worker|migrate|parked`."""

from services.sla.app import MANIFEST
from shared.main import main

main(MANIFEST)
