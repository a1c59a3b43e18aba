"""The `investiture` command: a gRPC client like any other, and the embedded stack's switch."""
