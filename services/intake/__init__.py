"""The register of Huying: where requests come in and get their number."""
