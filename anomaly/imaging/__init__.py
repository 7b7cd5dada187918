"""Untrusted bytes -> pixels, and pixels and masks -> what goes on the wire."""
