"""Loopback messengers: they stand in for the network, and for nothing else."""
