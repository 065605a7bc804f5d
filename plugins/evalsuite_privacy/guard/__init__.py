"""The guard of every membership probe: what do the inputs alone give away?

Members and non-members that differ in date, topic, length or make can be told apart without any
model, and whatever an attack finds on them proves nothing about the model (Das et al. 2024,
2406.16201). A probe of this plugin therefore:

1. puts ``inputs_of(...)`` of what it shows into each record,
2. turns them into a ``blind_column`` when it tabulates, and
3. reports ``leak_beyond_inputs`` of its own scores, which is undefined on a split that the inputs
   give away.
"""

from evalsuite_privacy.guard.blind import blind_column, blind_scores
from evalsuite_privacy.guard.inputs import Inputs, inputs_of
from evalsuite_privacy.guard.leak import Leak, Split, leak_beyond_inputs

__all__ = [
    "Inputs",
    "Leak",
    "Split",
    "blind_column",
    "blind_scores",
    "inputs_of",
    "leak_beyond_inputs",
]
