"""GGUF weights from the Hugging Face Hub: found, fetched, checked, and kept for `local`."""
