"""Who is decided about how: group fairness, counterfactuals, identity terms and refusals."""
