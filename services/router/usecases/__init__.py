"""One function for every verb: load, decide, save."""
