"""Lanes of one group: trained side by side or in turn, saved together."""
