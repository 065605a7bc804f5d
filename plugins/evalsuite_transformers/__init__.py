"""The shared ground of torch models: checkpoints, devices, fingerprints, and the ``hf:`` door."""
