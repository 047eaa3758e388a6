"""Watching the limits from above: extensions, suspensions, urging, supervision and appeals."""
