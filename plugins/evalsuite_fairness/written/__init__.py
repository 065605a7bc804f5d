"""What models answer and write about people of different groups."""
