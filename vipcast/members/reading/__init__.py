"""Reading a customer file of whatever kind: bytes, cells, columns, and the members they tell of."""
