from services.intake.tables import metadata
from shared.migrate import run

run(metadata)
