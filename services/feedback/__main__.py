from services.feedback.app import MANIFEST
from shared.main import main

main(MANIFEST)
