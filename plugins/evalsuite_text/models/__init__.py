"""The kinds of text models, one module for each and what several of them share."""
