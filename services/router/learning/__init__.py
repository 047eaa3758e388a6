"""The learned side of classification: a linear model that names its words; it only suggests."""
