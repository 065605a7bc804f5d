"""Whether the confidences that models give come true."""
