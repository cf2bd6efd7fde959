# SPDX-License-Identifier: BSD-3-Clause
"""Comparing what lies in the folder of a repository with what its database knows, and mending the difference."""
