"""Commands: one file a noun; parse, one call, render."""
