"""Inputs divided into features: words, patches of a picture, moments and bands of a clip."""
