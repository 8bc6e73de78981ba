"""What single beamlines add to the service."""
