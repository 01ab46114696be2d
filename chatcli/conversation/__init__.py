"""The heart: what a conversation is. No screen, no network, no disk, no environment."""
