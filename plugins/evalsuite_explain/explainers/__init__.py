"""Ways to say how much each feature of an input moves one output of a model."""
