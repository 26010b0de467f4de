"""Tells people what happened: in the app, by e-mail, by signed webhook."""
