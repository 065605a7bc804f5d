"""The shared ground of every torch model: checkpoints, devices, fingerprints, and the ``hf:`` door."""
