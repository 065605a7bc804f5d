"""Exact log-probabilities: the tree of what requests share, its plan, its passes, the head."""
