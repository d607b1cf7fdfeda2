"""vipcast: a small shop's news to its best customers, on the messenger each of them uses."""

__version__ = "0.1.0"
