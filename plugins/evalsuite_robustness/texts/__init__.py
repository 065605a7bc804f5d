"""Ways to make the text of a sample harder: how it is written, how it is asked, and what it says.

Random numbers depend on the text and the seed, so that order and company change nothing. What is
changed follows robustness benchmarks, e.g. Liang et al. 2023, HELM, arXiv:2211.09110, and Zhu et
al. 2023, PromptRobust, arXiv:2306.04528; rules and words here are our own.
"""
