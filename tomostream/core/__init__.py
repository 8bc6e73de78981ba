"""The domain: what frames, angles, slices and parameters are. Imports numpy only."""
