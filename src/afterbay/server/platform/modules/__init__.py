"""Modules: their manifests, what roles may do, and how much."""
