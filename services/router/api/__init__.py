"""The HTTP door, by audience: staff, desk, units, departments, and everybody who reads the catalogue."""
