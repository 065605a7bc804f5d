"""Generative models of text and media: text given images or sounds, scored and written.

Before a model is used, synthetic prompts with media go through the ways that are faster and through
the plain one, and the model is run by the first way that says the same:

- ``shared beginnings``: images and clips encoded once each, everything that prompts have in common
  (a clip, a question with its options) read once;
- ``separate rows``: images and clips encoded once each, each prompt and continuation read by
  itself;
- ``kept prompts``: the model's own reading of a prompt's media, all continuations from there;
- ``plain``: the model's own reading of each prompt with each continuation.

What is particular to images or to sounds is a ``Medium``; the rest knows none.
"""
