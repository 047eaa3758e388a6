"""The reply: what citizens see of their case, the photos, the ratings and the notices."""
