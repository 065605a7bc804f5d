"""Why does a model answer as it does, and is the explanation true?"""
