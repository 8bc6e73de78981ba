"""The commands; each in a module that imports what is heavy only when it runs."""
