"""The group on the messenger itself: made, invited to, kept in order, closed."""
