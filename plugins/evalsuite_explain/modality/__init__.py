"""How much an answer rests on each of two modalities."""
