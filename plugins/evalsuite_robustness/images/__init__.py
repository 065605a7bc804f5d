"""Pictures made harder, at five severities each.

The kinds, and where named so the strengths, are those of Hendrycks and Dietterich 2019
(ImageNet-C), which are for pictures 224 pixels wide; lengths are scaled to the picture's own size.
"""
