"""Telegram through Telethon; imported only when an account is opened."""
