"""A loopback Telegram: real MTProto for an unmodified Telethon, on 127.0.0.1 only."""
