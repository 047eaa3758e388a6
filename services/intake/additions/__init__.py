"""What a citizen adds to a request that is being handled: an urge, a supplement, a withdrawal."""
