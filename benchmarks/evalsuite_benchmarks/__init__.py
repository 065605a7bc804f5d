"""Suites that come with evalsuite."""
