"""The generator of photographs and the trainer of the embedded crack finder.

Nothing here is part of the server. The network learns from generated photographs alone, so that its
weights are the project's own; `python -m training.train` makes them again from a seed.
"""
