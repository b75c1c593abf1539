"""The model in this process: llama.cpp's server, its weights, and how they come."""
