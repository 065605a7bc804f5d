"""Audio models: encoders, transcribers."""
