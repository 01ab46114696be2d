"""What a slash can do: one function each, in the module of its group."""
