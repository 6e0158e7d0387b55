"""Runs dbt for an orchestrator: one request in, a stream of events and every artifact out."""

__version__ = "0.1.0"
