"""Writes "up", and "again" whenever it goes on after a stop.

Not a shell: a stop that finds one between vfork(2) and its child's execve(2) leaves it waiting for
a stopped child, on Linux too. And not print(): a stop may come in the middle of it.
"""
import os
import signal
import time

signal.signal(signal.SIGCONT, lambda *_: os.write(1, b"again\n"))
os.write(1, b"up\n")
time.sleep(1000)
