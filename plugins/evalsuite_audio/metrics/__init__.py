"""What answers about sounds are worth."""
