"""Questions with a known answer, asked about people of several groups."""
