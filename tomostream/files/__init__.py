"""Files of projections: Data Exchange."""
