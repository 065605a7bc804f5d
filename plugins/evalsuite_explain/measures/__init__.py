"""Measures of explanations: pure functions of scores and answers."""
