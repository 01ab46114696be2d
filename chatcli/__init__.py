"""chatcli: the terminal chatbot for people who think in conversations."""

__version__ = "0.1.0"
