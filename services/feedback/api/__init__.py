"""The HTTP door, by what is asked for."""
