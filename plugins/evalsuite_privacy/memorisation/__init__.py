"""What does a model remember word by word?"""
