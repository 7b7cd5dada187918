"""Bringing the product to a machine: the image's parts, RunPod's platform, and a trial where no Docker runs."""
