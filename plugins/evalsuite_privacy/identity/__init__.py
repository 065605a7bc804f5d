"""What dual encoders give away: whom they can name, and which pairs they were trained on."""
