"""Markdown for a terminal: lines become blocks, blocks become lines. The door is `..markdown`."""
