"""The gRPC API: one package a service and version, generated from the protos beside it."""
