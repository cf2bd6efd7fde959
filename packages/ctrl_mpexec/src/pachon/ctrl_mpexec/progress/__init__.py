# SPDX-License-Identifier: BSD-3-Clause
"""Telling how a run goes: a live table for a terminal, plain lines, or JSON lines for programs."""
