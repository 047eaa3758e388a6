"""A day's work replayed through the real doors, as the real clients would."""
