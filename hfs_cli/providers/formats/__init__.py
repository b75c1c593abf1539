"""The wire formats: payloads and decoders, pure and free of I/O."""
