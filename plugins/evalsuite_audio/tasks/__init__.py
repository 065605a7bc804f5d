"""What audio models are asked to do."""
