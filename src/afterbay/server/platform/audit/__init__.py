"""Who did what, kept where nobody can change it."""
