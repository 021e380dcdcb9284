# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Starts a tool that reads a program from its standard input, and brings it down
while it waits for that."""

import signal
import subprocess
import sys
import time

process = subprocess.Popen(
    sys.argv[1:], stdin=subprocess.PIPE, stderr=subprocess.PIPE
)
# It is reading once it sleeps in the system call of that name.
syscall = f"/proc/{process.pid}/syscall"
READ = "0 "
for _ in range(600):
    if open(syscall).read().startswith(READ + "0x0 "):
        break
    time.sleep(0.05)
process.send_signal(signal.SIGSEGV)
_, errors = process.communicate(timeout=60)
print(errors.decode())
