"""The embedded model: llama.cpp's server in this process, and its weights."""
