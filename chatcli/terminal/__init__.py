"""All that touches a screen or a key."""
