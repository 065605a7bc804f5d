"""Tasks that are no prompt templates: corpora, pairs, spans, labels, vectors, programs."""
