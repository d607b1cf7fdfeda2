"""Schedules: when announcements are due, what was missed, and the tick that cron calls."""
