"""Personal data: does a model tell them, link them to people, or give away what it was shown?"""
