# SPDX-License-Identifier: BSD-3-Clause
"""Take from the superuser, in this process and what it starts, the right to write where permissions forbid it."""

import ctypes
import os

DROP_FROM_BOUNDING_SET, OVERRIDE, READ_SEARCH = 24, 1, 2
"""Of <linux/prctl.h> and <linux/capability.h>."""
VERSION = 0x20080522
"""Of the structures of capset(2)."""


def obey_permissions() -> None:
    if os.geteuid() != 0:
        return
    library = ctypes.CDLL(None, use_errno=True)
    for capability in (OVERRIDE, READ_SEARCH):
        if library.prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
    # This process has the rights already; only what it starts is bound by the set above.
    header = (ctypes.c_uint32 * 2)(VERSION, 0)
    data = (ctypes.c_uint32 * 6)()
    if library.capget(header, data):
        raise OSError(ctypes.get_errno(), "capget")
    for word in range(3):  # effective, permitted and inheritable rights 0 to 31
        data[word] &= ~(1 << OVERRIDE | 1 << READ_SEARCH)
    if library.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":  # not when something just looks at this module
    obey_permissions()
