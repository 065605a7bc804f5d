"""Seeded training of the control models, one file for each kind."""
