"""Years of load and sun that projects share: uploaded, built, or made by the program for everybody."""
