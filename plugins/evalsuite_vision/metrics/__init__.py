"""What is computed from answers about images: pure functions and metrics of records."""
