"""Image-text models: dual encoders and generative ones."""
