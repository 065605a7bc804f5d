"""Image-text models through transformers and open_clip, and the image tasks."""
