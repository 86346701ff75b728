"""Engines that write an answer from evidence: quoting (no model), transformers with adapters."""
