"""What encoders put close to each other: associations and rankings."""
