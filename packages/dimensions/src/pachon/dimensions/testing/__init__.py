# SPDX-License-Identifier: BSD-3-Clause
"""What tests of other layers need: strategies of hypothesis."""
