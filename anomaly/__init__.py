"""Photographs of structures in; measured, located, structured defects out."""

__version__ = "0.1.0"
