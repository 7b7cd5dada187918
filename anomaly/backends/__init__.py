"""Detectors and segmenters: a file each, whose `load` returns a port of `anomaly.ports`.

What a backend needs of torch and of the model packages it imports inside its functions, so that the
light install, which has none of them, can import every room of the house.
"""
