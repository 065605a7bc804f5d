"""Text models through transformers, and the text tasks."""
