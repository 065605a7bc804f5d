"""Probes that explain answers, and that test explanations."""
