"""What goes over the wire of the sizing module."""
