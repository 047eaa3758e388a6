"""The rules of the reply: pure, without a clock, a database or a network."""
