"""The catalogue: its tables, how they are read and checked, its editions, and how they come in and go out."""
