"""The numbers units are judged by: facts kept per case and order, definitions that are data, and one way to count."""
