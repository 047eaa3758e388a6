from services.intake.app import MANIFEST
from shared.main import main

main(MANIFEST)
