"""Control models: clean and planted twins with which every probe is calibrated."""
