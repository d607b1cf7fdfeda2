"""Replies: opening hours and promises, routing, the support desk."""
