"""Seeded generators of rows: what the control models are trained and tested on."""
