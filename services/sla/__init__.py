"""The stopwatch of Huying."""
