"""Sound and speech in the layouts that its data sets are published in."""
