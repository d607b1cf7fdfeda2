"""What is said: templates, rendering, checking, planning."""
