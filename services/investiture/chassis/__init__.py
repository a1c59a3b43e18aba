"""The chassis: what every process of Investiture needs and no business word.

gRPC server and client, refusals, identity, access, statements, settings, telemetry, SQL
transactions, outbox and the Temporal client. One concern a file.
"""
