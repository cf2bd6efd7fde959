# SPDX-License-Identifier: BSD-3-Clause
"""Where quanta run: in this process, or in a pool of warm workers."""
