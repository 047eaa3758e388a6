"""How the services say things: mechanism only, not one civic word."""
