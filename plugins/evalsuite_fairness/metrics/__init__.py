"""What probes of several kinds compute from their records."""
