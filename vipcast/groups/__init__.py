"""Capped groups: seats and the waiting list."""
