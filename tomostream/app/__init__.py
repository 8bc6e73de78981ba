"""Configuration, wiring, and the processes that tomostream is made of."""
