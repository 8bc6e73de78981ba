"""Fakes for tests, public for authors of extensions."""
