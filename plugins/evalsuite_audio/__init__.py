"""Sound and speech models through transformers and pocketsphinx, and the audio tasks."""
