"""config.toml: what it can hold, how it is read and checked, and how it looks when it is new."""
