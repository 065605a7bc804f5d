"""Models opened up for gradient explainers: what texts, pictures and clips have in common."""
