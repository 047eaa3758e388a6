"""The desk's own rules: cases, work orders, who may do what, and the log nobody can rewrite."""
