"""Viber through viberbot; imported only when an account is opened."""
