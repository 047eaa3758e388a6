"""The services of Huying; none imports another."""
