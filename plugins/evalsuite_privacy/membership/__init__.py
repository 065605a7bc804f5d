"""Was this sample in the training data?"""
