"""What workers do for the sizing module; importing `bodies` registers it."""
