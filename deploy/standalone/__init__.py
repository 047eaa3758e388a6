"""Runs the whole system on one machine: PostgreSQL and NATS from wheels, their data and secrets under one folder."""
