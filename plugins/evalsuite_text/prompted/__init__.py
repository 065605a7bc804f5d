"""Prompted tasks: a template, examples, a way to answer, filters and scores, all from options.

template.py     fields of a sample -> text            (Jinja, sandboxed)
examples.py     which solved examples stand before a question
prompt.py       template and examples -> content, with the roles of a chat marked
base.py         what every prompted probe does; several templates for one task
choice.py       choices scored by log-likelihood
letters.py      choices listed, their letters scored, in every order
cloze.py        a gap filled with each choice; the last word of a passage
generation.py   text written, filtered and scored
filters.py      from what a model wrote to the answer in it
"""
