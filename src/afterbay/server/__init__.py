"""The server: stores, secures and shows what the library computes.

One folder per feature, three layers each: API (`router`, `schemas`), service, data (`repository`, `tables`).
The stand-alone headend is its `fleet` slice, started without the rest.
"""
