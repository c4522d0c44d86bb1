"""The door: the HTTP clients through which a provider's SDK sends, where calls are walked over their chain."""
