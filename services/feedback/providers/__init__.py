"""Adapters to the providers notices leave through, each written to the provider's published contract."""
