"""Tables, migrations, and what differs between databases."""
