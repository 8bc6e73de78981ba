"""EPICS on both sides: images in, slices out, and the operator's records."""
