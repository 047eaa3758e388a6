"""Guided walks through what the system can do, each against the real doors, with a check of all it shows."""
