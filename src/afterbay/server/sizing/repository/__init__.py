"""Questions to the tables of the sizing module."""
