"""What the sizing module does."""
