"""Text that a causal model writes: batches that shrink, sampling, stop strings."""
