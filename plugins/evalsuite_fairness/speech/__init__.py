"""How well the speech of different groups is recognised."""
