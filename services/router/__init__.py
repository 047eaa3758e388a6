"""The desk of Huying."""
