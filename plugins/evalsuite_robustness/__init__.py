"""What happens to a model when its input gets worse."""
