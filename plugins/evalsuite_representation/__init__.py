"""What a model's vectors hold: linear probes, neighbours, geometry and similarity."""
