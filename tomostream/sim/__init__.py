"""A beamline in a process: phantom, detector and tomoScan, or a recorded scan."""
