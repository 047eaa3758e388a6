from services.feedback.tables import metadata
from shared.migrate import run

run(metadata)
