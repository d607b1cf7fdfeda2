"""One file a messenger, all behind the contract in `base`."""
