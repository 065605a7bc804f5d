"""Whom does a model treat worse?"""
