"""`python -m services.feedback api|worker|migrate|parked`."""

from services.feedback.app import MANIFEST
from shared.main import main

main(MANIFEST)
