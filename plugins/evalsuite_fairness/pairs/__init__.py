"""Which of two sentences a model finds more probable."""
