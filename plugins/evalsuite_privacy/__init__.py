"""What does a model give away of its training data?"""
