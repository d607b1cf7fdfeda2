"""Who the members are: import, addresses and phone numbers, consent."""
