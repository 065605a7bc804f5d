"""Clips made harder: noise, babble, rooms, tempo and pitch, codecs, losses.

Every change keeps a clip's length, except those whose very point is another one (speed, tempo).
Power is taken over the whole clip, pauses included, so a ratio is that of the clip's mean power,
not of its active speech level; and at the clip's own sample rate, so a model that listens at a
lower one hears less of white noise. Sums beyond full scale are kept: waveforms are floats, and
cutting them would be a second change.
"""
